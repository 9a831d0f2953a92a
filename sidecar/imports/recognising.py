"""What a path is: a model, a bundle, or another program's store; and where such stores lie on this machine."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sidecar.errors import InvalidRequest
from sidecar.imports import bundles, folders, gguf_files, hub_cache, lm_studio, ollama
from sidecar.imports.source import Source
from sidecar.registry.gguf_model import is_gguf
from sidecar.registry.inspect import inspect
from sidecar.types import ModelType

REMEMBERED = 2000
EVERYTHING = "*"
_LINUX_SERVICE = Path("/usr/share/ollama/.ollama/models")


def sources(path: Path) -> list[Source]:
    """The models at `path`. Raises InvalidRequest that says what it should be, OSError."""
    if not path.exists():
        raise InvalidRequest(reason=f"path: {path} is not there")
    found = _in_file(path) if path.is_file() else _in_folder(path)
    if not found:
        raise InvalidRequest(
            reason=f"path: {path} is neither a model's folder, a GGUF file, an exported bundle, nor a store of Ollama, LM"
            " Studio or the hub's library"
        )
    return found


def chosen(path: Path, names: list[str] | None) -> list[Source]:
    """The models to import from `path`: of several, those of `names`. Raises InvalidRequest, OSError."""
    found = sources(path)
    if names is None and len(found) > 1:
        there = ", ".join(one.name for one in found[:20])
        raise InvalidRequest(reason=f"models: {path} holds {len(found)} models; name those to import, or '*': {there}")
    if names is None:
        return found
    if missing := set(names) - {one.name for one in found} - {EVERYTHING}:
        raise InvalidRequest(reason=f"models: {path} holds no {min(missing)!r}")
    if EVERYTHING in names:
        return [one for one in found if not _with_task(one).problem]
    return [one for one in found if one.name in names]


def found_on_machine(environment: Mapping[str, str], home: Path) -> list[Source]:
    """Every model that other programs keep here, with its task or what speaks against it."""
    found = [one for place in _stores(environment, home) for one in _readable(place)]
    return [_with_task(one) for one in found]


def with_tasks(found: list[Source]) -> list[Source]:
    """The same with their tasks, or what speaks against them."""
    return [_with_task(one) for one in found]


def _in_file(path: Path) -> list[Source]:
    if bundles.is_bundle(path):
        return [bundles.read(path)]
    if ollama.store_of(path) is not None:
        return [ollama.read_one(path)]
    return [gguf_files.read(path)] if is_gguf(path) else []


def _in_folder(path: Path) -> list[Source]:
    if hub_cache.is_snapshot(path):
        return hub_cache.read_snapshot(path)
    if hub_cache.is_repository(path):
        return hub_cache.read_one(path)
    for place in (path, path / "models", path / "hub"):
        if place.is_dir() and not folders.looks_like_model(path) and (found := _in_store(place)):
            return found
    return folders.read(path)


def _in_store(path: Path) -> list[Source]:
    if ollama.is_store(path):
        return ollama.read(path)
    if hub_cache.is_store(path):
        return hub_cache.read(path)
    return lm_studio.read(path) if lm_studio.is_store(path) else []


def _stores(environment: Mapping[str, str], home: Path) -> list[Path]:
    """The stores that are there, each once."""
    chosen = environment.get("OLLAMA_MODELS")
    places = [Path(chosen)] if chosen else [home / ".ollama" / "models"]
    places += [_LINUX_SERVICE] if sys.platform == "linux" else []
    places += [*lm_studio.places(home), hub_cache.place(environment, home)]
    return list(dict.fromkeys(place.resolve() for place in places if _is_readable(place)))


def _is_readable(place: Path) -> bool:
    try:
        return place.is_dir() and os.access(place, os.R_OK | os.X_OK)
    except OSError:
        return False


def _readable(store: Path) -> list[Source]:
    """What is in it; another user's store may hide some of it."""
    try:
        return (
            lm_studio.read(store) if not ollama.is_store(store) and not hub_cache.is_store(store) else _in_store(store)
        )
    except OSError:
        return []


def _with_task(found: Source) -> Source:
    if found.problem or found.pickled or found.model_type or found.usable_at is None:
        return found
    newest = max((file.place.stat().st_mtime_ns for file in found.files), default=0)
    model_type, problem = _judged(found.usable_at, found.bytes, newest)
    return replace(found, model_type=model_type, problem=problem)


@functools.lru_cache(REMEMBERED)
def _judged(path: Path, _bytes: int, _modified_ns: int) -> tuple[ModelType | None, str | None]:
    """The task, or why no engine here can use it. Headers of large vocabularies take a while, so it is remembered."""
    try:
        return inspect(path).types[0], None
    except InvalidRequest as error:
        return None, str(error.details["reason"]).replace(str(path), "it")
