"""Real-sized models with random weights, made once and kept outside the repository.

Random weights cost what trained ones cost; only quality is not measured. The tokenizer gives every id a text of its own,
so that a stream of random tokens is a stream of visible text.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import platformdirs

CACHE = platformdirs.user_cache_path("inglenook-bench", appauthor=False)
CHAT_TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"


def smollm2_135m() -> Path:
    """SmolLM2-135M's shape in float32 safetensors: 30 layers, 538 MB."""
    return _llama(
        "smollm2-135m",
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
    )


def smollm2_135m_q8_0() -> Path:
    """The same in a GGUF file, with weights in Q8_0."""
    from tests.helpers.gguf_models import Rounding, write_decoder

    folder = smollm2_135m()
    file = folder.with_name(f"{folder.name}-q8_0.gguf")
    if not file.exists():
        unfinished = file.with_suffix(".part")
        write_decoder(folder, unfinished, rounding=Rounding.Q8_0)
        unfinished.rename(file)
    return file


def qwen2_500m() -> Path:
    """Qwen2.5-0.5B's shape in float32 safetensors: 24 layers, 1976 MB."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=151936,
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return _cached("qwen2-500m", config.vocab_size, lambda: Qwen2ForCausalLM(config))


def llama_3b() -> Path:
    """Llama 3.2 3B's shape in bfloat16 safetensors: 28 layers, 6.4 GB; while it is made twice as much in memory."""
    return _llama(
        "llama-3b",
        half=True,
        vocab_size=128_256,
        hidden_size=3072,
        intermediate_size=8192,
        num_hidden_layers=28,
        num_attention_heads=24,
        num_key_value_heads=8,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
    )


def distilbert() -> Path:
    """DistilBERT's shape as a classifier with two labels: 6 layers, 268 MB."""
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    config = DistilBertConfig(vocab_size=30522, num_labels=2, pad_token_id=1)

    def build() -> object:
        model = DistilBertForSequenceClassification(config)
        model.classifier.bias.data[0] = 2  # random answers would hang on a hair, and no conversion could repeat them
        return model

    return _cached("distilbert-1", config.vocab_size, build)


def marian() -> Path:
    """The shape of the Marian models of Opus-MT: 6 and 6 layers of 512, 74 million parameters. It never ends by itself."""
    from transformers import MarianConfig, MarianMTModel

    size = 58101
    config = MarianConfig(
        vocab_size=size,
        d_model=512,
        encoder_layers=6,
        decoder_layers=6,
        encoder_attention_heads=8,
        decoder_attention_heads=8,
        encoder_ffn_dim=2048,
        decoder_ffn_dim=2048,
        activation_function="swish",
        scale_embedding=True,
        pad_token_id=size - 1,
        eos_token_id=0,
        forced_eos_token_id=0,
        decoder_start_token_id=size - 1,
    )

    def build() -> object:
        model = MarianMTModel(config)
        model.final_logits_bias[0, 0] = -1e4  # the end is never chosen: every translation has the length asked for
        model.final_logits_bias[0, 9] = 1e3  # always one word: what random weights choose hangs on a hair
        model.generation_config.update(max_length=512, bad_words_ids=[[size - 1]])
        return model

    return _cached("marian", size, build, _marian_tokenizer)


def decoder(name: str, width: int, layers: int, *, vocabulary: int = 32_000, half: bool = False) -> Path:
    """A Llama of so many layers, heads of 64 and a feed-forward of 8/3 of its width; `half` keeps it as bfloat16."""
    return _llama(
        name,
        half=half,
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 64 * 64,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 128 if width % 128 == 0 else width // 192,
        max_position_embeddings=4096,
    )


def _llama(name: str, *, half: bool = False, **shape: object) -> Path:
    """`half` keeps it as bfloat16."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**shape, tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, pad_token_id=1)
    build = lambda: LlamaForCausalLM(config)  # noqa: E731
    return _cached(name, config.vocab_size, (lambda: _in_half(build())) if half else build)


def gpt2(name: str, width: int, layers: int) -> Path:
    """GPT-2's shape, which the library computes itself."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=20_000, n_embd=width, n_layer=layers, n_head=width // 64, bos_token_id=0, eos_token_id=1
    )
    return _cached(name, config.vocab_size, lambda: GPT2LMHeadModel(config))


def encoder(name: str, width: int, layers: int) -> Path:
    """BERT's shape, for embeddings. It reads words like most tokenizers, so that trying it on sample texts takes as long."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=30_522,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        intermediate_size=4 * width,
    )
    return _cached(f"{name}-of-words", config.vocab_size, lambda: BertModel(config), _word_tokenizer)


def _in_half(model: object) -> object:
    import torch

    return model.to(torch.bfloat16)  # type: ignore[attr-defined]


def echo() -> Path:
    """The engine that computes nothing, for measuring everything around it."""
    folder = CACHE / "models" / "echo"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "echo"}')
    return folder


def _cached(
    name: str, vocabulary: int, build: Callable[[], object], tokenizer: Callable[[int, Path], object] | None = None
) -> Path:
    folder = CACHE / "models" / name
    if (folder / "complete").exists():
        return folder
    import torch

    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    model = build()
    model.save_pretrained(folder)  # type: ignore[attr-defined]
    made = tokenizer(vocabulary, folder) if tokenizer else _tokenizer(vocabulary)
    made.save_pretrained(folder)  # type: ignore[attr-defined]
    (folder / "complete").touch()
    return folder


def _tokenizer(vocabulary: int):  # type: ignore[no-untyped-def]  # transformers is imported only where a model is built
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["<s>", "</s>", *alphabet]
    words += [f"Ġw{number}" for number in range(vocabulary - len(words))]
    tokenizer = Tokenizer(models.BPE(vocab={word: number for number, word in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
    fast.chat_template = CHAT_TEMPLATE
    return fast


def _word_tokenizer(vocabulary: int, _folder: Path):  # type: ignore[no-untyped-def]
    """A token for each word and each mark."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["[UNK]", "[PAD]", *(f"w{number}" for number in range(vocabulary - 2))]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]")


def _marian_tokenizer(vocabulary: int, folder: Path):  # type: ignore[no-untyped-def]
    """Two sentencepiece models of the words w0 to w899, mostly one piece each, and a vocabulary of Opus-MT's size."""
    import sentencepiece
    from transformers import MarianTokenizer

    words = [f"w{number}" for number in range(900)]
    for side in ("source", "target"):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([" ".join(words[start : start + 30]) for start in range(0, 900, 30)] * 20),
            model_prefix=str(folder / side),
            vocab_size=1200,
            hard_vocab_limit=False,
            minloglevel=2,
        )
        (folder / f"{side}.model").rename(folder / f"{side}.spm")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    pieces = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    names = ["</s>", "<unk>", *(piece for piece in pieces if piece not in ("</s>", "<s>", "<unk>"))]
    names += [f"▁x{number}" for number in range(vocabulary - len(names) - 1)] + ["<pad>"]
    (folder / "vocab.json").write_text(json.dumps({name: index for index, name in enumerate(names)}))
    files = [str(folder / name) for name in ("source.spm", "target.spm", "vocab.json")]
    return MarianTokenizer(*files, source_lang="en", target_lang="de", model_max_length=512)
