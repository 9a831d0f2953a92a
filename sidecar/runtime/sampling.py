"""Fills what a request leaves open: its own fields, else the model's defaults, else the general ones. Pure."""

from __future__ import annotations

from typing import Any

from sidecar.types import GenerationDefaults, Sampling

GENERAL = GenerationDefaults(temperature=0.7, top_p=1.0, top_k=0, min_p=0.0, repetition_penalty=1.0)
_SHAPE = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
_LENGTH = ("max_length", "max_new_tokens")


def filled(request: Sampling, *defaults: GenerationDefaults) -> Sampling:
    """The complete Sampling of a request; earlier defaults win over later ones, the general ones come last.

    A request that bounds the length in one way is not bounded in the other by a default as well.
    """
    own_length = any(getattr(request, name) is not None for name in _LENGTH)
    values = {name: _first(name, request, *defaults, GENERAL) for name in _SHAPE}
    values |= {name: getattr(request, name) if own_length else _first(name, request, *defaults) for name in _LENGTH}
    return Sampling(stop=request.stop, seed=request.seed, **values)


def effective(*defaults: GenerationDefaults) -> GenerationDefaults:
    """What the model's own defaults come to; None where only the general default applies."""
    return GenerationDefaults(**{name: _first(name, *defaults) for name in _SHAPE + _LENGTH})


def _first(name: str, *sources: GenerationDefaults | Sampling) -> Any:
    return next((value for source in sources if (value := getattr(source, name)) is not None), None)
