"""A model's name for people. Pure; knows no widget."""

from __future__ import annotations

from sidecar.types import ModelInfo


def display_name(model: ModelInfo) -> str:
    """Starter chat for starter-chat, Name-7B for org/Name-7B."""
    return readable(model.name or model.id)


def readable(model_id: str) -> str:
    """The same of a model of which only the name is known."""
    name = model_id.rpartition("/")[2]
    return name.replace("-", " ").replace("_", " ").capitalize() if name.islower() else name


def how_it_runs(model: ModelInfo) -> str:
    """Precision and engine, for instance "int8 · transformers"; the precision only where it is known."""
    return " · ".join(part for part in (model.precision or model.dtype, model.engine) if part)
