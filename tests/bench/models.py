"""Real-sized models with random weights, made once and kept outside the repository.

Random weights cost what trained ones cost; only quality is not measured. The tokenizer gives every id a text of its own,
so that a stream of random tokens is a stream of visible text.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import platformdirs

CACHE = platformdirs.user_cache_path("inglenook-bench", appauthor=False)
CHAT_TEMPLATE = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"


def smollm2_135m() -> Path:
    """SmolLM2-135M's shape in float32 safetensors: 30 layers, 538 MB."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return _cached("smollm2-135m", config.vocab_size, lambda: LlamaForCausalLM(config))


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


def decoder(name: str, width: int, layers: int, *, vocabulary: int = 32_000, half: bool = False) -> Path:
    """A Llama of so many layers, heads of 64 and a feed-forward of 8/3 of its width; `half` keeps it as bfloat16."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 64 * 64,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 128 if width % 128 == 0 else width // 192,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return _cached(name, vocabulary, lambda: _in_half(LlamaForCausalLM(config)) if half else LlamaForCausalLM(config))


def gpt2(name: str, width: int, layers: int) -> Path:
    """GPT-2's shape, which the library computes itself."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=20_000, n_embd=width, n_layer=layers, n_head=width // 64, bos_token_id=0, eos_token_id=1
    )
    return _cached(name, config.vocab_size, lambda: GPT2LMHeadModel(config))


def encoder(name: str, width: int, layers: int) -> Path:
    """BERT's shape, for embeddings."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=30_522,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        intermediate_size=4 * width,
    )
    return _cached(name, config.vocab_size, lambda: BertModel(config))


def _in_half(model: object) -> object:
    import torch

    return model.to(torch.bfloat16)  # type: ignore[attr-defined]


def echo() -> Path:
    """The engine that computes nothing, for measuring everything around it."""
    folder = CACHE / "models" / "echo"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "echo"}')
    return folder


def _cached(name: str, vocabulary: int, build: Callable[[], object]) -> Path:
    folder = CACHE / "models" / name
    if (folder / "complete").exists():
        return folder
    import torch

    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    model = build()
    model.save_pretrained(folder)  # type: ignore[attr-defined]
    _tokenizer(vocabulary).save_pretrained(folder)
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
