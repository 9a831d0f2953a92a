"""Makes our types of JSON and of plain values. Every reading of bytes or tables goes through here.

msgspec works out how to read a type when it is first used, and lets other threads see that half done: two threads that
first read the same type at the same moment end the process with a segmentation fault. So each type is worked out once,
by one thread at a time, before anybody reads it. This module knows no type of ours.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_ready: set[Any] = set()
_making_ready = threading.Lock()


def from_json(content: bytes | str, kind: type[T]) -> T:
    """What the JSON says, as `kind`. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(content, type=_made_ready(kind))


def convert(value: Any, kind: type[T], *, strict: bool = True) -> T:
    """A value of dicts, lists and words as `kind`; words may stand for numbers unless `strict`. Raises ValidationError."""
    return msgspec.convert(value, _made_ready(kind), strict=strict)


def _made_ready(kind: type[T]) -> type[T]:
    if kind not in _ready:
        with _making_ready:
            msgspec.json.Decoder(kind)  # works out the type, and those in its fields
            _ready.add(kind)
    return kind
