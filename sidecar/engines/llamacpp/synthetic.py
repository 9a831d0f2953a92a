"""Writes a GGUF file with a model of random weights, for measuring this machine. It answers nonsense, and never ends.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sidecar.registry.gguf import TYPE_NUMBERS

WIDTH, INNER, HEADS, LAYERS = 1024, 4096, 16, 7
PARAMETERS = LAYERS * (4 * WIDTH**2 + 3 * WIDTH * INNER)  # of the layers' matrices
CONTEXT = 512
VERSION = 3
ALIGNMENT = 32
BLOCK = 32  # weights that share a scale
SCALE = 0.002
RANDOM_BLOCKS = 1 << 15  # repeated: random bytes take longer to make than to write
SPECIAL = ["<unk>", "<s>", "</s>"]
TOKENS = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
TOKEN_TYPES = [2, 3, 3, *[6] * 256]  # unknown, control, control, bytes
FLOAT32 = "F32"


@dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple[int, ...]  # the innermost extent first
    dtype: str
    content: bytes


def write_model(file: Path, dtype: str, bytes_per_block: int) -> None:
    """A Llama of 117 million weights in blocks of `dtype`: a scale of 16 bits, then the rounded weights. Raises OSError."""
    tensors = _tensors(dtype, bytes_per_block)
    metadata = _metadata()
    head = b"GGUF" + struct.pack("<IQQ", VERSION, len(tensors), len(metadata))
    head += b"".join(_text(key) + _value(value) for key, value in metadata.items())
    offset = 0
    for tensor in tensors:
        head += _text(tensor.name) + struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
        head += struct.pack("<IQ", TYPE_NUMBERS[tensor.dtype], offset)
        offset += len(_padded(tensor.content))
    with file.open("wb") as stream:
        for content in (head, *(tensor.content for tensor in tensors)):
            stream.write(_padded(content))


def _metadata() -> dict[str, Any]:
    return {
        "general.architecture": "llama",
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": TOKENS,
        "tokenizer.ggml.scores": [0.0] * len(TOKENS),
        "tokenizer.ggml.token_type": TOKEN_TYPES,
        "tokenizer.ggml.bos_token_id": SPECIAL.index("<s>"),
        "tokenizer.ggml.eos_token_id": SPECIAL.index("</s>"),
    }


def _tensors(dtype: str, bytes_per_block: int) -> list[Tensor]:
    def matrix(name: str, *shape: int) -> Tensor:
        return Tensor(name, shape, dtype, blocks[: shape[0] * shape[1] // BLOCK * bytes_per_block])

    blocks = _blocks(WIDTH * INNER // BLOCK, bytes_per_block)
    ones = np.ones(WIDTH, "<f4").tobytes()
    # The special tokens' scores are 0, so that the end is never the most likely token.
    words = bytes(len(SPECIAL) * WIDTH // BLOCK * bytes_per_block)
    words += blocks[: len(TOKENS) * WIDTH // BLOCK * bytes_per_block - len(words)]
    tensors = [Tensor("token_embd.weight", (WIDTH, len(TOKENS)), dtype, words)]
    tensors.append(Tensor("output_norm.weight", (WIDTH,), FLOAT32, ones))
    for layer in range(LAYERS):
        tensors += [Tensor(f"blk.{layer}.{name}.weight", (WIDTH,), FLOAT32, ones) for name in ("attn_norm", "ffn_norm")]
        tensors += [matrix(f"blk.{layer}.attn_{part}.weight", WIDTH, WIDTH) for part in ("q", "k", "v", "output")]
        tensors += [matrix(f"blk.{layer}.ffn_{part}.weight", WIDTH, INNER) for part in ("gate", "up")]
        tensors.append(matrix(f"blk.{layer}.ffn_down.weight", INNER, WIDTH))
    return tensors


def _blocks(count: int, bytes_per_block: int) -> bytes:
    kind = np.dtype([("scale", "<f2"), ("weights", "u1", (bytes_per_block - 2,))])
    blocks = np.zeros(min(count, RANDOM_BLOCKS), kind)
    blocks["scale"] = SCALE
    blocks["weights"] = np.random.default_rng(0).integers(0, 256, blocks["weights"].shape, np.uint8)
    return bytes(np.resize(blocks, count).tobytes())


def _value(value: Any) -> bytes:
    """A value with the number of its kind before it."""
    match value:
        case str():
            return struct.pack("<I", 8) + _text(value)
        case float():
            return struct.pack("<If", 6, value)
        case int():
            return struct.pack("<II", 4, value)
        case [str(), *_]:
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
        case [float(), *_]:
            return struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)
        case _:
            return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % ALIGNMENT)
