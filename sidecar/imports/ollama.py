"""Ollama's store: which models it holds, read from its manifests; it is never written.

Layout: `manifests/<host>/<namespace>/<model>/<tag>` are JSON files whose layers name `blobs/sha256-<hex>`; newer releases
keep `manifests-v2` beside, of links into the blobs. The layer "model" is a GGUF file without an ending.
Source: https://github.com/ollama/ollama, package manifest.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from sidecar import decoding
from sidecar.imports.source import Source, SourceFile
from sidecar.types import GenerationDefaults

T = TypeVar("T")
MANIFESTS = ("manifests-v2", "manifests")
DEPTH = 4  # host, namespace, model, tag
MAX_JSON_BYTES = 4 << 20
RUNNERS = ("ollama", "llamacpp", "")
KIND = "application/vnd.ollama.image."
DEFAULT_HOST, DEFAULT_NAMESPACE, DEFAULT_TAG = "registry.ollama.ai", "library", "latest"
PARAMETERS = {
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
    "repeat_penalty": "repetition_penalty",
}
_DIGEST = re.compile(r"sha256[:-][0-9a-f]{64}")
_TOLD = {
    "system": "Its system prompt is not taken over: give it with each conversation.",
    "messages": "Its example messages are not taken over.",
    "template": "The chat template in the model's own file is used, not the one that Ollama keeps.",
    "projector": "Its part for images is not used.",
}


class Layer(Struct, rename="camel"):
    media_type: str = ""
    digest: str = ""
    size: int = 0

    @property
    def part(self) -> str:
        """Which part of a model it is, such as model or license."""
        return self.media_type.partition(";")[0].removeprefix(KIND)


class Manifest(Struct, rename="camel"):
    """One model, or with `manifests` the same model for several runners, of which some are only named by digest."""

    config: Layer | None = None
    layers: list[Layer] = []
    manifests: list[Manifest] = []
    runner: str = ""
    digest: str = ""


class _Unusable(Exception):
    """Why a model of the store cannot be imported."""


def is_store(folder: Path) -> bool:
    return (folder / "blobs").is_dir() and any((folder / name).is_dir() for name in MANIFESTS)


def store_of(path: Path) -> Path | None:
    """The store, if `path` is one of its manifests."""
    if len(path.parents) <= DEPTH:
        return None
    store = path.parents[DEPTH]
    return store if path.parents[DEPTH - 1].name in MANIFESTS and is_store(store) else None


def read(store: Path) -> list[Source]:
    """Every model in the store, by name. Raises OSError."""
    found: dict[str, Path] = {}
    for name in MANIFESTS:
        for file in (store / name).glob("/".join("*" * DEPTH)):
            if file.is_file() and not file.name.startswith("."):
                found.setdefault(_name(file), file)
    return [read_one(found[name]) for name in sorted(found)]


def read_one(manifest: Path) -> Source:
    """The model of one manifest. Raises OSError."""
    store, name = manifest.parents[DEPTH], _name(manifest)
    try:
        return _source(store, manifest, name, _manifest(store, manifest))
    except _Unusable as why:
        return Source("ollama", name, manifest, problem=str(why))


def _source(store: Path, file: Path, name: str, manifest: Manifest) -> Source:
    layers = {part: [layer for layer in manifest.layers if layer.part == part] for part in _parts(manifest)}
    if not layers.get("model"):
        raise _Unusable("it has no GGUF file: Ollama keeps it in another format, or only runs it elsewhere")
    models = _blobs(store, layers["model"], "model", ".gguf")
    beside = [
        *_blobs(store, layers.get("projector", []), "mmproj", ".gguf"),
        *_blobs(store, layers.get("adapter", []), "adapter", ".gguf"),
        *_blobs(store, layers.get("license", []), "LICENSE", ""),
    ]
    defaults, unused = _defaults(store, layers.get("params", []))
    notes = [text for part, text in _TOLD.items() if layers.get(part)]
    return Source(
        kind="ollama",
        name=name,
        path=file,
        files=(*models[:1], *beside),
        entry=models[0].path,
        usable_at=models[0].place,
        defaults=defaults,
        adapters=tuple(one.path for one in beside if one.path.startswith("adapter")),
        notes=(*notes, *([f"Not used of its parameters: {', '.join(unused)}."] if unused else [])),
    )


def _parts(manifest: Manifest) -> set[str]:
    return {layer.part for layer in manifest.layers}


def _blobs(store: Path, layers: list[Layer], name: str, ending: str) -> list[SourceFile]:
    """The files of some layers, named for this place. Raises _Unusable when one is not whole."""
    found = []
    for number, layer in enumerate(layers):
        place = _blob(store, layer.digest)
        if not place.is_file() or place.stat().st_size != layer.size:
            raise _Unusable(f"its file {place.name} is not there, or not whole")
        path = f"{name}{ending}" if number == 0 else f"{name}-{number + 1}{ending}"
        found.append(SourceFile(path, place, layer.size, layer.digest[len("sha256:") :]))
    return found


def _blob(store: Path, digest: str) -> Path:
    if not _DIGEST.fullmatch(digest):
        raise _Unusable("its manifest names a file in an unknown way")
    return store / "blobs" / digest.replace(":", "-")


def _manifest(store: Path, file: Path) -> Manifest:
    """The manifest, or of one for several runners the one whose files are GGUF."""
    found = _json(file, Manifest)
    if not found.manifests:
        return found
    for child in found.manifests:
        if child.runner in RUNNERS:
            return child if child.layers else _json(_blob(store, child.digest), Manifest)
    raise _Unusable("none of its forms is a GGUF file")


def _json(file: Path, kind: type[T]) -> T:
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise _Unusable(f"{file} is too large")
        return decoding.from_json(file.read_bytes(), kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise _Unusable(f"{file} cannot be read: {error}") from error


def _defaults(store: Path, layers: list[Layer]) -> tuple[GenerationDefaults, list[str]]:
    """How Ollama samples from it, and the names of what has no counterpart here."""
    values: dict[str, Any] = {}
    for layer in layers:
        values |= _json(_blob(store, layer.digest), dict[str, Any])
    sound = {}
    for theirs, ours in PARAMETERS.items():
        if theirs in values and _is_sound(ours, values[theirs]):
            sound[ours] = values.pop(theirs)
    return decoding.convert(sound, GenerationDefaults, strict=False), sorted(values)


def _is_sound(name: str, value: Any) -> bool:
    try:
        decoding.convert({name: value}, GenerationDefaults, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _name(manifest: Path) -> str:
    """As Ollama writes it: what is usual is left out."""
    host, namespace, model, tag = manifest.parts[-DEPTH:]
    words = [part for part, usual in ((host, DEFAULT_HOST), (namespace, DEFAULT_NAMESPACE)) if part != usual]
    name = "/".join([*words, model])
    return name if tag == DEFAULT_TAG else f"{name}:{tag}"
