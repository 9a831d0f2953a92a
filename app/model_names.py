"""A model's name for people. Pure; knows no widget."""

from __future__ import annotations

from sidecar.types import ModelInfo


def display_name(model: ModelInfo) -> str:
    """Starter chat for starter-chat, Name-7B for org/Name-7B."""
    name = (model.name or model.id).rpartition("/")[2]
    return name.replace("-", " ").replace("_", " ").capitalize() if name.islower() else name
