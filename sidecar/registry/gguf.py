"""Reads the headers of GGUF files: what the model is and how large, before anything is loaded.

The files may come from anywhere and are later opened by a native library, so everything that is counted, long or far
away is checked against the file's size and a limit before it is believed. No weights are read.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

from msgspec import Struct

from sidecar.errors import InvalidRequest

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_KEYS = 65_536
MAX_TENSORS = 262_144
MAX_STRING_BYTES = 16 << 20
MAX_ARRAY_ITEMS = 16 << 20
MAX_NESTING = 4
MAX_DIMENSIONS = 4
MAX_ALIGNMENT = 1 << 20
KEPT_ITEMS = 1024  # of an array: longer ones, such as a vocabulary, are checked and not kept
_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: struct.Struct("<B"), 1: struct.Struct("<b"), 2: struct.Struct("<H"), 3: struct.Struct("<h"),
    4: struct.Struct("<I"), 5: struct.Struct("<i"), 6: struct.Struct("<f"), 7: struct.Struct("<?"),
    10: struct.Struct("<Q"), 11: struct.Struct("<q"), 12: struct.Struct("<d"),
}  # fmt: skip
_U32, _U64 = _SCALARS[4], _SCALARS[10]
# Number, name, and how many elements a block of so many bytes holds: ggml's tensor types.
_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
TYPE_NUMBERS = {name: number for number, (name, _, _) in _TYPES.items()}
BITS = {name: 8 * size / block for name, block, size in _TYPES.values()}  # of one element, by ggml's name of the type


class Tensor(Struct, frozen=True):
    """One tensor of a file: ggml's name of its type, its bytes, and its shape, the innermost dimension first."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


class GgufHeader(Struct, frozen=True):
    """The metadata, long arrays as their length only (an `ArrayLength`), and the tensors in the order of the file."""

    metadata: dict[str, Any]
    tensors: list[Tensor]

    @property
    def architecture(self) -> str:
        return self.text("general.architecture")

    def text(self, key: str) -> str:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int | None:
        """A count that makes sense, else None. Per-layer lists give their largest."""
        value = self.metadata.get(key)
        counts = [item for item in (value if isinstance(value, list) else [value]) if _is_count(item)]
        return max(counts, default=None)

    def own(self, key: str) -> int | None:
        """A number among the architecture's keys: `own("context_length")` is `llama.context_length`."""
        return self.number(f"{self.architecture}.{key}")


class ArrayLength(Struct, frozen=True):
    """Stands for an array too long to keep."""

    items: int


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40


def read_header(file: Path) -> GgufHeader:
    """The header of one file. Raises InvalidRequest that names the file and what is wrong with it, OSError."""
    size = file.stat().st_size
    with file.open("rb", buffering=1 << 20) as stream:
        try:
            return _Reader(stream, size).header()
        except _Unsound as fault:
            raise InvalidRequest(reason=f"{file} is not a sound GGUF file: {fault}") from None


class _Unsound(Exception):
    """What is wrong with the file."""


class _Reader:
    """Takes a header apart; never reads past what the file has."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        self._at = 0

    def header(self) -> GgufHeader:
        if self._size < len(MAGIC) or self._take(len(MAGIC)) != MAGIC:
            raise _Unsound("it does not begin with GGUF")
        version = self._number(_U32)
        if version not in VERSIONS:
            raise _Unsound(f"its version is {version}; {' and '.join(map(str, VERSIONS))} can be read")
        tensor_count = self._count("tensors", MAX_TENSORS)
        key_count = self._count("keys", MAX_KEYS)
        metadata = self._metadata(key_count)
        return GgufHeader(metadata, self._tensors(tensor_count, _alignment(metadata)))

    def _metadata(self, count: int) -> dict[str, Any]:
        metadata: dict[str, Any] = {}
        for _ in range(count):
            key = self._string()
            if key in metadata:
                raise _Unsound(f"the key {key[:80]!r} is there twice")
            metadata[key] = self._value(self._number(_U32))
        return metadata

    def _value(self, kind: int, depth: int = 0) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(depth + 1)
        return self._number(_scalar(kind))

    def _array(self, depth: int) -> list[Any] | ArrayLength:
        if depth > MAX_NESTING:
            raise _Unsound("its arrays are nested too deeply")
        kind = self._number(_U32)
        count = self._count("items of an array", MAX_ARRAY_ITEMS)
        if count <= KEPT_ITEMS:
            return [self._value(kind, depth) for _ in range(count)]
        if kind in (_STRING, _ARRAY):
            for _ in range(count):
                self._pass_over(kind, depth)
        else:
            self._skip(_scalar(kind).size * count)
        return ArrayLength(count)

    def _pass_over(self, kind: int, depth: int) -> None:
        if kind == _STRING:
            self._take(self._count("bytes of a text", MAX_STRING_BYTES))
        else:
            self._array(depth + 1)

    def _tensors(self, count: int, alignment: int) -> list[Tensor]:
        placed = [self._tensor() for _ in range(count)]
        names = {tensor.name for tensor, _ in placed}
        if len(names) != len(placed):
            raise _Unsound("two tensors have the same name")
        data_bytes = self._size - math.ceil(self._at / alignment) * alignment
        for tensor, offset in placed:
            if offset % alignment:
                raise _Unsound(f"the tensor {tensor.name[:80]!r} is not aligned")
            if offset + tensor.size > data_bytes:
                raise _Unsound(f"the tensor {tensor.name[:80]!r} lies outside the file; it may be cut short")
        return [tensor for tensor, _ in placed]

    def _tensor(self) -> tuple[Tensor, int]:
        name = self._string()
        dimensions = self._number(_U32)
        if not 1 <= dimensions <= MAX_DIMENSIONS:
            raise _Unsound(f"the tensor {name[:80]!r} has {dimensions} dimensions")
        shape = tuple(self._number(_U64) for _ in range(dimensions))
        kind, offset = self._number(_U32), self._number(_U64)
        if kind not in _TYPES:
            raise _Unsound(f"the tensor {name[:80]!r} has the unknown type {kind}")
        dtype, block, block_bytes = _TYPES[kind]
        if not all(shape) or shape[0] % block:
            raise _Unsound(f"the tensor {name[:80]!r} has an impossible shape")
        return Tensor(name, dtype, shape, math.prod(shape) // block * block_bytes), offset

    def _string(self) -> str:
        return self._take(self._count("bytes of a text", MAX_STRING_BYTES)).decode("utf-8", "replace")

    def _count(self, of_what: str, limit: int) -> int:
        """A count that the rest of the file could hold: each item takes at least one byte."""
        count: int = self._number(_U64)
        if count > min(limit, self._size - self._at):
            raise _Unsound(f"it claims {count} {of_what}")
        return count

    def _number(self, kind: struct.Struct) -> Any:
        return kind.unpack(self._take(kind.size))[0]

    def _skip(self, count: int) -> None:
        self._need(count)
        self._stream.seek(count, 1)

    def _take(self, count: int) -> bytes:
        self._need(count)
        return self._stream.read(count)

    def _need(self, count: int) -> None:
        self._at += count
        if self._at > self._size:
            raise _Unsound("its header is cut short")


def _scalar(kind: int) -> struct.Struct:
    if kind not in _SCALARS:
        raise _Unsound(f"it has a value of the unknown type {kind}")
    return _SCALARS[kind]


def _alignment(metadata: dict[str, Any]) -> int:
    alignment = metadata.get("general.alignment", 32)
    if not _is_count(alignment) or not 8 <= alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
        raise _Unsound(f"its alignment is {alignment!r}")
    return int(alignment)
