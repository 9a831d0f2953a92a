"""Which of the known models here came from which repository, told by their names and folders. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from sidecar.types import ModelInfo

CACHE_PREFIX = "models--"  # of the folders that the hub's own library makes


def by_repository(models: Iterable[ModelInfo]) -> dict[str, str]:
    """The name here of each repository's model."""
    return {repository(model): model.id for model in models}


def repository(model: ModelInfo) -> str:
    """The repository's id as the folder `org--name` tells it, else the model's own name."""
    for part in reversed(PurePath(model.model_path).parts):
        organisation, found, name = part.removeprefix(CACHE_PREFIX).partition("--")
        if found:
            return f"{organisation}/{name}"
    return model.id
