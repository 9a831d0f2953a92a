"""The cache of the hub's library, shared by many programs: which models it holds. It is never written.

Layout: `models--<org>--<name>/snapshots/<commit>/`, whose files are links to `blobs/<hash>`; `refs/main` names a commit.
Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sidecar.errors import InvalidRequest
from sidecar.imports import folders
from sidecar.imports.source import Source, SourceFile

PREFIX, SNAPSHOTS = "models--", "snapshots"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def place(environment: Mapping[str, str], home: Path) -> Path:
    """Where it lies, as the library looks for it."""
    if chosen := environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE"):
        return Path(chosen)
    caches = Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
    return Path(environment.get("HF_HOME") or caches / "huggingface") / "hub"


def is_store(folder: Path) -> bool:
    return any(folder.glob(f"{PREFIX}*/{SNAPSHOTS}"))


def is_repository(folder: Path) -> bool:
    return folder.name.startswith(PREFIX) and (folder / SNAPSHOTS).is_dir()


def is_snapshot(folder: Path) -> bool:
    return folder.parent.name == SNAPSHOTS and is_repository(folder.parent.parent)


def read(store: Path) -> list[Source]:
    """Every model of which weights are in the cache, by name. Raises OSError."""
    return [one for folder in sorted(store.glob(f"{PREFIX}*")) if is_repository(folder) for one in read_one(folder)]


def read_one(repository: Path) -> list[Source]:
    """The models of one repository, at the commit that main stood for, else the newest. Raises OSError."""
    snapshot = repository / SNAPSHOTS / _commit(repository)
    return read_snapshot(snapshot) if snapshot.is_dir() else []


def read_snapshot(snapshot: Path) -> list[Source]:
    """The models at one commit. Raises OSError."""
    name = snapshot.parent.parent.name.removeprefix(PREFIX).replace("--", "/", 1)
    try:
        found = folders.read(snapshot, "hugging_face", name)
    except InvalidRequest as error:
        return [Source("hugging_face", name, snapshot, problem=error.details["reason"])]
    return [replace(one, files=tuple(_with_hash(file) for file in one.files)) for one in found]


def _commit(repository: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (repository / "refs" / "main").read_text("utf-8").strip()
    newest = max((repository / SNAPSHOTS).iterdir(), key=lambda folder: folder.stat().st_mtime, default=None)
    return newest.name if newest else ""


def _with_hash(file: SourceFile) -> SourceFile:
    """Large files are kept under their SHA-256."""
    name = file.place.resolve().name
    return replace(file, sha256=name) if _SHA256.fullmatch(name) else file
