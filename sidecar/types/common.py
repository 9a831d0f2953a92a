"""What the other types are made of: bounded numbers, the two base Structs, words of a fixed set."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

ModelType = Literal["text_generation", "classification", "translation", "embedding", "reranking"]
ModelName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$", max_length=200)]
FinishReason = Literal["stop", "length", "cancelled", "tool_calls"]
Role = Literal["system", "user", "assistant", "tool"]

LARGEST = 2**31 - 1  # of any count: larger ones do not travel to a worker
Count = Annotated[int, Meta(ge=1, le=LARGEST)]
CountFromZero = Annotated[int, Meta(ge=0, le=LARGEST)]

Texts = Annotated[list[str], Meta(min_length=1, max_length=100_000)]
Truncate = Annotated[bool, Meta(description="Cut what is too long, with a warning, instead of refusing it.")]
Seconds = Annotated[
    float, Meta(description="Seconds to stay in memory afterwards; 0 unloads at once, negative never unloads.")
]


class Request(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A request body: an unknown field is refused by name."""


class Response(Struct):
    """A response body: a newer service may add fields, an older client ignores them."""
