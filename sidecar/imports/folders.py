"""A folder as one model or several: what an engine reads of it, chosen as from a repository of the hub."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sidecar.errors import InvalidRequest
from sidecar.hub import choosing
from sidecar.hub.choosing import FileSet
from sidecar.hub.listing import Repository
from sidecar.hub.safety import ALLOWED
from sidecar.imports import gguf_files
from sidecar.imports.source import Source, SourceFile
from sidecar.registry.inspect import inspect
from sidecar.registry.manifest import NAME
from sidecar.types import ImportSource, RemoteFile

MAX_DEPTH = 3
MAX_FILES = 20_000


def read(folder: Path, kind: ImportSource = "folder", name: str | None = None) -> list[Source]:
    """The models in `folder`; none when it holds no model. Raises InvalidRequest for a folder without end, OSError."""
    called = name or folder.resolve().name
    repository = listed(folder)
    variants = choosing.variants(repository)
    if any(one.format == "safetensors" for one in variants):
        return [_source(folder, kind, called, next(one for one in variants if one.format == "safetensors"))]
    if ggufs := gguf_files.models_in(folder):
        names = [called] if len(ggufs) == 1 and name else [_within(name, file) for file in ggufs]
        return [gguf_files.read(file, kind, one) for file, one in zip(ggufs, names, strict=True)]
    if variants:
        return [_source(folder, kind, called, variants[0])]
    return [_source(folder, kind, called, _all(repository))] if _is_model(folder) else []


def looks_like_model(folder: Path) -> bool:
    """Whether files of a model lie in the folder itself, and not only in folders of it."""
    return (folder / "config.json").is_file() or any(folder.glob("*.gguf")) or any(folder.glob("*.safetensors"))


def listed(folder: Path) -> Repository:
    """The folder's files as the hub would list them. Raises InvalidRequest, OSError."""
    files = []
    for file in _walk(folder):
        files.append(RemoteFile(file.relative_to(folder).as_posix(), file.stat().st_size))
        if len(files) > MAX_FILES:
            raise InvalidRequest(
                reason=f"{folder} holds more than {MAX_FILES} files, so it is not the folder of a model"
            )
    return Repository(folder.name, revision="", commit="", read_at=0.0, files=files)


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(one for one in folders if not one.startswith(".") and depth < MAX_DEPTH)
        for name in sorted(files):
            file = Path(place) / name
            if not name.startswith(".") and name != NAME and file.is_file():
                yield file


def _source(folder: Path, kind: ImportSource, name: str, chosen: FileSet) -> Source:
    files = tuple(SourceFile(file.path, folder / file.path, file.bytes) for file in chosen.files)
    found = Source(kind, name, folder, files, usable_at=folder, pickled=chosen.format == "pickle")
    if kind == "hugging_face":  # its files are links into its own store
        return found
    strangers = [file.path for file in files if not file.place.resolve().is_relative_to(folder.resolve())]
    return found.unusable(f"{strangers[0]} is a link that leads out of {folder}") if strangers else found


def _all(repository: Repository) -> FileSet:
    """Everything that a model may consist of, for models that have no weights in files of the usual names."""
    kept = tuple(file for file in repository.files if Path(file.path).suffix.lower() in ALLOWED)
    return FileSet("safetensors", "safetensors", "", kept)


def _is_model(folder: Path) -> bool:
    try:
        inspect(folder)
    except InvalidRequest:
        return False
    return True


def _within(name: str | None, file: Path) -> str:
    stem = gguf_files.called(file)
    return f"{name.rpartition('/')[0]}/{stem}" if name and "/" in name else stem
