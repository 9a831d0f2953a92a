"""Reads the headers of safetensors files: how many parameters of which type a model has, before anything is loaded.

The files may come from anywhere, so every length is checked against the file's size and a limit before it is believed.
Format: https://huggingface.co/docs/safetensors (8 bytes little-endian length, that many bytes of JSON, then the data).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from sidecar.errors import InvalidRequest
from sidecar.registry.gguf import BITS as GGUF_BITS

MAX_HEADER_BYTES = 100_000_000
_LENGTH = struct.Struct("<Q")
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
    "C64": 64,
}  # fmt: skip
_ALL_BITS = GGUF_BITS | _BITS


class Weights(Struct, frozen=True):
    """Elements per stored data type, all files together."""

    elements: dict[str, int] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        return sum(self.elements.values())

    @property
    def commonest(self) -> str:
        """The type that most weights have, in small letters; "none" without any."""
        return max(self.elements, key=lambda dtype: self.elements[dtype], default="none").lower()

    @property
    def stored_bytes(self) -> int:
        return sum(int(_ALL_BITS[dtype] * count / 8) for dtype, count in self.elements.items())


def read_weights(files: Iterable[Path]) -> Weights:
    """Sum the headers of `files`. Raises InvalidRequest that names the file when one is not sound, OSError."""
    elements: dict[str, int] = {}
    for file in files:
        for dtype, count in _elements_of(file):
            elements[dtype] = elements.get(dtype, 0) + count
    return Weights(elements)


def _elements_of(file: Path) -> list[tuple[str, int]]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        prefix = stream.read(_LENGTH.size)
        if len(prefix) < _LENGTH.size:
            raise _unsound(file, "it is too short")
        (length,) = _LENGTH.unpack(prefix)
        if length > min(MAX_HEADER_BYTES, size - _LENGTH.size):
            raise _unsound(file, f"its header claims {length} bytes")
        header = _parsed(file, stream.read(length))
    data_bytes = size - _LENGTH.size - length
    return [_tensor(file, entry, data_bytes) for name, entry in header.items() if name != "__metadata__"]


def _parsed(file: Path, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unsound(file, "its header is not valid JSON") from error
    if not isinstance(header, dict):
        raise _unsound(file, "its header is not a table of tensors")
    return header


def _tensor(file: Path, entry: Any, data_bytes: int) -> tuple[str, int]:
    """The data type and number of elements of one entry, checked against the bytes it claims in the file."""
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(start), int(end)]} if dtype in _BITS:
            pass
        case _:
            raise _unsound(file, "its header describes a tensor in an unknown way")
    if not all(isinstance(extent, int) and extent >= 0 for extent in shape):
        raise _unsound(file, "a tensor has an impossible shape")
    count = math.prod(shape)
    if not 0 <= start <= end <= data_bytes:
        raise _unsound(file, "a tensor lies outside the file; it may be cut short")
    if (count * _BITS[dtype] + 7) // 8 != end - start:
        raise _unsound(file, "a tensor's shape and size disagree")
    return dtype, count


def _unsound(file: Path, reason: str) -> InvalidRequest:
    return InvalidRequest(reason=f"{file} is not a sound safetensors file: {reason}")
