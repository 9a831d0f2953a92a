"""The files of a preparation, and what is noted about the model beside its converted weights. Imports no engine library."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from sidecar import decoding
from sidecar.errors import LoadFailed

FILE = "manifest.json"
HEAD = "head.safetensors"
FORMAT = 1

Kind = Literal["encoder", "translator", "generator"]


class Manifest(Struct, kw_only=True):
    """What an engine without torch has to know about a model.

    `head`: the activations of the layers on an encoder's first token, in order; their weights are in HEAD.
    `forced_end`: the last token that the limit allows is always the end.
    `min_length`: tokens of an answer without its end.
    `max_length`: tokens of an answer with the one the decoder begins with; `decoder_room`: those its positions allow.
    """

    format: int = FORMAT
    kind: Kind
    quantization: str
    parameters: int
    context_length: int | None = None
    head: list[str] = []
    token_types: bool = False
    max_length: int | None = None
    decoder_room: int | None = None
    min_length: int = 0
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0
    length_penalty: float = 1.0
    forced_first: list[str] = []
    forced_end: bool = False
    suppressed: list[list[str]] = []
    end_tokens: list[str] = []


def write(folder: Path, manifest: Manifest) -> None:
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))


def read(model: str, folder: Path) -> Manifest:
    """Raises LoadFailed when there is none, or one of another release."""
    try:
        manifest = decoding.from_json((folder / FILE).read_bytes(), Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise LoadFailed(model=model, reason=f"its preparation in {folder} is not usable ({error}).") from error
    if manifest.format != FORMAT:
        raise LoadFailed(model=model, reason="its preparation is of another release. Prepare it again.")
    return manifest
