"""Tokenizers for the tiny models of tests, trained on a handful of words on the fly."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

WORDS = "the a small model reads every word of this text and says what it thinks about good bad rain sun tea coffee"
VOCABULARY = WORDS.split()
TEXT = [" ".join(VOCABULARY[(i * step) % len(VOCABULARY)] for i in range(12)) + "." for step in range(1, 40)]
TEXT += ["Grüße aus Köln, schöne Straße!", "naïve café 日本語 テキスト 😀 emoji", "un deux trois, où est la gare?"] * 5
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# Alternating turns, as many published templates demand.
STRICT_TEMPLATE = (
    "{% for message in messages %}{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}<|{{ message.role }}|>{{ message.content }}<|end|>"
    "{% endfor %}<|assistant|>"
)
# Tool calls and what they gave in the way of Hermes and Qwen. A result bears the function's name, as some templates demand.
TOOL_TEMPLATE = (
    "{% if tools %}<|system|><tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools><|end|>{% endif %}"
    "{% for message in messages %}<|{{ message.role }}|>"
    "{% if message.role == 'tool' %}{{ message.name }}: {{ message.content }}{% else %}{{ message.content }}{% endif %}"
    '{% for call in message.tool_calls %}<tool_call>{"name": "{{ call.function.name }}", "arguments": '
    "{{ call.function.arguments | tojson }}}</tool_call>{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TOOL_CALL = "<tool_call>"
SPECIAL = ["<|start|>", "<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"]


def byte_level_tokenizer(template: str | None = CHAT_TEMPLATE, *, special: list[str] | None = None) -> Any:
    """A byte-level BPE tokenizer, as GPT-2, Llama 3 and Qwen have: one character may take several tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=380, special_tokens=special or SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|start|>", eos_token="<|end|>", pad_token="<|pad|>"
    )
    fast.chat_template = template
    return fast


def word_piece_tokenizer() -> Any:
    from transformers import BertTokenizerFast

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz.,!?", *VOCABULARY]
    pieces += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    return BertTokenizerFast(vocab=vocabulary, do_lower_case=True)


def sentence_pieces(file: Path, vocabulary: int = 160) -> list[str]:
    """Train a sentencepiece model into `file` and return its pieces in order."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT),
        model_writer=model,
        vocab_size=vocabulary,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    file.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.id_to_piece(index) for index in range(processor.get_piece_size())]


# ---- generation -----------------------------------------------------------------------------------------------------
