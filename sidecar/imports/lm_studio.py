"""LM Studio's store: `models/<publisher>/<repository>/` with GGUF files, or a folder of safetensors. It is never written."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec

from sidecar import decoding
from sidecar.errors import InvalidRequest
from sidecar.imports import folders
from sidecar.imports.source import Source

MAX_JSON_BYTES = 16 << 20
HOME_POINTER = ".lmstudio-home-pointer"
SETTINGS = "settings.json"
_OTHER_FORMAT = "its weights are rounded in the way of MLX, which no engine here reads: take it as GGUF"


def places(home: Path) -> list[Path]:
    """Where its models may lie for a user with this home folder."""
    homes = [home / ".lmstudio", home / ".cache" / "lm-studio"]
    with contextlib.suppress(OSError, UnicodeDecodeError):
        homes.insert(0, Path((home / HOME_POINTER).read_text("utf-8").strip()))
    chosen = [Path(folder) for one in homes if (folder := _json(one / SETTINGS).get("downloadsFolder"))]
    return [*chosen, *(one / "models" for one in homes)]


def is_store(folder: Path) -> bool:
    """Whether the folder is laid out like one: at the third level, models."""
    return any(_repositories(folder)) and folder.name == "models" and not (folder / "blobs").exists()


def read(store: Path) -> list[Source]:
    """Every model in the store, by name. Raises OSError."""
    return [source for repository in sorted(_repositories(store)) for source in _models(repository)]


def _models(repository: Path) -> list[Source]:
    name = f"{repository.parent.name}/{repository.name}"
    try:
        found = folders.read(repository, "lm_studio", name)
    except InvalidRequest as error:
        return [Source("lm_studio", name, repository, problem=error.details["reason"])]
    rounded = isinstance(_json(repository / "config.json").get("quantization"), dict)
    return [one.unusable(_OTHER_FORMAT) if rounded and one.entry is None else one for one in found]


def _repositories(store: Path) -> list[Path]:
    return [folder for folder in store.glob("*/*") if folder.is_dir() and not folder.parent.name.startswith(".")]


def _json(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            return {}
        return decoding.from_json(file.read_bytes(), dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return {}
