"""The built-in list of models: `resources/catalogue.toml`, checked entry by entry. What its words mean stands there."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sidecar import decoding
from sidecar.errors import EnvironmentFault
from sidecar.paths import resources_dir
from sidecar.registry.shape import Shape
from sidecar.types import FileFormat, ModelType

FILE = "catalogue.toml"
MB = 10**6
Positive = Annotated[int, Meta(gt=0)]
FromZero = Annotated[int, Meta(ge=0)]
Text = Annotated[str, Meta(min_length=1)]


class Sizes(Struct, frozen=True, forbid_unknown_fields=True):
    """The sizes of an architecture, as `config.json` has them. `head_width`: where it is not width by heads."""

    family: Text
    layers: Positive
    width: Positive
    vocabulary: Positive
    heads: Positive
    kv_heads: Positive
    encoder_layers: FromZero = 0
    head_width: FromZero = 0
    tied: bool = False

    @property
    def kept_width(self) -> int:
        """Of the keys of one token in one layer."""
        return self.kv_heads * (self.head_width or self.width // self.heads)

    @property
    def shape(self) -> Shape:
        return Shape(self.family, self.layers, self.encoder_layers, self.width, self.vocabulary, self.tied)


class Weights(Struct, frozen=True, forbid_unknown_fields=True):
    """One way to have a model: its weights in one precision, about `mb` MB of them."""

    precision: Text
    mb: Positive
    files: Annotated[list[str], Meta(min_length=1)]

    @property
    def bytes(self) -> int:
        return self.mb * MB


class ListedModel(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the list."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
    name: Text
    task: ModelType
    architecture: Text
    context: Positive
    why: Text
    variants: Annotated[list[Weights], Meta(min_length=1)]
    revision: str = "main"
    tags: list[str] = []
    licence: str | None = None
    gated: bool = False
    format: FileFormat = "safetensors"
    parameters: Positive | None = None
    quality: Annotated[int, Meta(ge=0, le=100)] = 0
    key: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]*$")] | None = None
    shape: Sizes | None = None

    @property
    def engine(self) -> str:
        """What loads its files as they are."""
        return "llamacpp" if self.format == "gguf" else "transformers"

    def variant_name(self, weights: Weights) -> str:
        """As downloads name it: the quantisation of GGUF files, else the format, of which there is one."""
        return weights.precision if self.format == "gguf" else self.format


def read(file: Path | None = None) -> list[ListedModel]:
    """The list, in the order of the file. Blocks on the disk. Raises EnvironmentFault that names the entry which is wrong."""
    file = file or resources_dir() / FILE
    try:
        tables = tomllib.loads(file.read_text("utf-8"))["model"]
    except (OSError, ValueError, KeyError) as error:
        raise EnvironmentFault(f"The list of models {file} cannot be read: {error}.", path=str(file)) from error
    models = [_checked(file, table) for table in tables]
    _refuse_doubles(file, "id", (model.id for model in models))
    _refuse_doubles(file, "key", (model.key for model in models if model.key))
    return models


def _checked(file: Path, table: dict[str, Any]) -> ListedModel:
    try:
        model = decoding.convert(table, ListedModel)
    except msgspec.ValidationError as error:
        raise _wrong(file, str(table.get("id", "without an id")), str(error)) from error
    if model.shape and not model.parameters:
        raise _wrong(file, model.id, "its shape is of no use without parameters")
    suffixes = {"gguf": ".gguf", "safetensors": ".safetensors", "pickle": ".bin"}
    for name in (name for weights in model.variants for name in weights.files):
        if not name.endswith(suffixes[model.format]):
            raise _wrong(file, model.id, f"{name} is not a {model.format} file")
    return model


def _refuse_doubles(file: Path, what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise _wrong(file, value, f"another entry has the same {what}")
        seen.add(value)


def _wrong(file: Path, entry: str, reason: str) -> EnvironmentFault:
    return EnvironmentFault(f"The list of models {file} is wrong at {entry}: {reason}.", path=str(file), entry=entry)
