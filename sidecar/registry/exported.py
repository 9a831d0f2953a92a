"""Exported programs (`torch.export`) as models: the manifest beside the program, and what the archive's directory tells.

Everything is checked here without opening the graph or the weights; the worker checks those before it builds anything of
them. Format: https://docs.pytorch.org/docs/stable/export/pt2_archive.html (a zip without compression: the graph as JSON,
weights as raw bytes).
"""

from __future__ import annotations

import json
import math
import tomllib
import zipfile
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from sidecar import decoding
from sidecar.errors import InvalidRequest
from sidecar.registry.weights import Weights

MANIFEST = "inglenook.toml"
MAX_MANIFEST_BYTES = 1_000_000
MAX_GRAPH_BYTES = 512_000_000
GRAPH, WEIGHTS, MACHINE_CODE = "models/model.json", "data/weights/model_weights_config.json", "data/aotinductor/"
ARCHITECTURE = "ExportedProgram"
# The numbers of PyTorch's serialised data types, as safetensors calls them.
DTYPES = {1: "U8", 2: "I8", 3: "I16", 4: "I32", 5: "I64", 6: "F16", 7: "F32", 8: "F64", 12: "BOOL", 13: "BF16"}

Name = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]
Pooling = Literal["none", "mean", "cls", "max", "lasttoken", "mean_sqrt_len_tokens", "weightedmean"]


class Manifest(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a program's developer tells about it. `inputs`: what the tokenizer makes, in the order of the program's arguments.
    `output`: which of several results, by place or by name. `pooling`: how an embedding comes from the vectors of the
    tokens, "none" where the program gives one vector per text itself."""

    task: Literal["classification", "embedding"]
    max_length: Annotated[int, Meta(ge=1, le=1_000_000)]
    program: str = "program.pt2"
    inputs: Annotated[list[Name], Meta(min_length=1, max_length=8)] = field(
        default_factory=lambda: ["input_ids", "attention_mask"]
    )
    output: int | Name = 0
    labels: list[Annotated[str, Meta(min_length=1, max_length=200)]] = field(default_factory=list)
    multi_label: bool = False
    pooling: Pooling = "none"
    description: str = ""


def read_manifest(folder: Path) -> Manifest:
    """Raises InvalidRequest that names the line or the field, OSError."""
    file = folder / MANIFEST
    if file.stat().st_size > MAX_MANIFEST_BYTES:
        raise InvalidRequest(reason=f"{file} is too large to be a manifest")
    try:
        manifest = decoding.convert(tomllib.loads(file.read_bytes().decode("utf-8")), Manifest)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidRequest(reason=f"{file} is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise InvalidRequest(reason=f"{file}: {error}") from error
    if complaint := _complaint(manifest):
        raise InvalidRequest(reason=f"{file}: {complaint}")
    return manifest


def _complaint(manifest: Manifest) -> str:
    if Path(manifest.program).name != manifest.program or not manifest.program.endswith(".pt2"):
        return f"program is {manifest.program!r}, which is not the name of a .pt2 file beside it"
    if "attention_mask" not in manifest.inputs:
        return (
            "inputs lacks attention_mask: texts are padded to one length, and the program must tell padding from text"
        )
    if manifest.task == "classification" and not manifest.labels:
        return "labels is missing: one name for each score, in order"
    if len(set(manifest.labels)) < len(manifest.labels):
        return "labels names one label twice"
    if manifest.task == "classification" and manifest.pooling != "none":
        return "pooling is for embeddings; a classifier gives one row of scores per text"
    return ""


def read_weights(file: Path) -> Weights:
    """The program's weights by type. Raises InvalidRequest for what is no whole archive of one program, OSError."""
    if not file.is_file():
        raise InvalidRequest(reason=f"{file} is missing, which {MANIFEST} names as the program")
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(file, archive)
            return _weights(file, _table(file, archive.read(members[WEIGHTS])))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise _unsound(file, f"it is damaged, or no archive ({error})") from error


def _members(file: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """By their names without the archive's own folder."""
    members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
        raise _unsound(file, "its parts are compressed")
    if any(name.startswith(MACHINE_CODE) for name in members):
        raise _unsound(file, "it holds compiled machine code; save it with torch.export.save")
    if lacking := [name for name in (GRAPH, WEIGHTS) if name not in members]:
        raise _unsound(file, f"it lacks {lacking[0]}; save it with torch.export.save of PyTorch 2.9 or newer")
    if max(members[GRAPH].file_size, members[WEIGHTS].file_size) > MAX_GRAPH_BYTES:
        raise _unsound(file, "its graph is too large")
    return members


def _table(file: Path, text: bytes) -> dict[str, Any]:
    try:
        return decoding.convert(json.loads(text)["config"], dict[str, Any])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unsound(file, "the table of its weights is not readable") from error


def _weights(file: Path, table: dict[str, Any]) -> Weights:
    elements: dict[str, int] = {}
    for entry in table.values():
        match entry:
            case {"use_pickle": False, "tensor_meta": {"dtype": int(number), "sizes": [*sizes]}} if number in DTYPES:
                count = math.prod(_size(file, size) for size in sizes)
                elements[DTYPES[number]] = elements.get(DTYPES[number], 0) + count
            case {"use_pickle": True}:
                raise _unsound(file, "it holds pickled weights, which can run code when they are opened")
            case _:
                raise _unsound(file, "it holds a weight of an unknown kind")
    return Weights(elements)


def _size(file: Path, size: Any) -> int:
    match size:
        case {"as_int": int(count)} if count >= 0:
            return count
        case _:
            raise _unsound(file, "a weight has an impossible shape")


def _unsound(file: Path, reason: str) -> InvalidRequest:
    return InvalidRequest(reason=f"{file} cannot be used as an exported program: {reason}")
