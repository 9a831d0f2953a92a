"""A GGUF file as a model: with its shards, its projector and its papers when they lie beside it."""

from __future__ import annotations

import re
from pathlib import Path

from sidecar.errors import InvalidRequest
from sidecar.hub.choosing import is_paper
from sidecar.imports.source import Source, SourceFile
from sidecar.registry.gguf_model import SUFFIX, GgufFiles, gguf_files
from sidecar.types import ImportSource

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


def read(file: Path, kind: ImportSource = "gguf", name: str | None = None) -> Source:
    """The model that `file` belongs to. Raises OSError."""
    found = Source(kind, name or called(file), file)
    try:
        files = gguf_files(file)
    except InvalidRequest as error:
        return found.unusable(error.details["reason"])
    return Source(
        kind=kind,
        name=found.name,
        path=files.first,
        files=tuple(_described(one, files) for one in (*files.all, *_papers(file.parent))),
        entry=_named(files.first),
        usable_at=files.first,
    )


def called(file: Path) -> str:
    """The model's own name, by that of its file."""
    return _SHARD.sub("", file.stem)


def models_in(folder: Path) -> list[Path]:
    """The first file of each GGUF model that lies in `folder`. Raises OSError."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() == SUFFIX and file.is_file())
    return [file for file in files if not file.name.lower().startswith("mmproj") and not _is_later_shard(file)]


def _described(file: Path, files: GgufFiles) -> SourceFile:
    return SourceFile(_named(file) if file in files.all else file.name, file, file.stat().st_size)


def _named(file: Path) -> str:
    """Stores that name contents by their hash give them no ending; here they get theirs."""
    return file.name if file.suffix.lower() == SUFFIX else f"model{SUFFIX}"


def _papers(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if is_paper(file.name) and file.is_file())


def _is_later_shard(file: Path) -> bool:
    found = re.search(r"-(\d{5})-of-\d{5}$", file.stem)
    return found is not None and int(found[1]) != 1
