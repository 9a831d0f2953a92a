"""The small models: which there are, which are here and in memory, and which is the one to begin with. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from sidecar.catalogue.entries import ListedModel
from sidecar.catalogue.installed import by_repository, repository
from sidecar.catalogue.judging import Judged
from sidecar.catalogue.recommending import recommend
from sidecar.errors import NotFound
from sidecar.types import DownloadRequest, LightweightModel, LightweightModels, ModelInfo

MB = 1e6


def listing(judged: Iterable[Judged], models: Iterable[ModelInfo]) -> LightweightModels:
    """The small ones of the list. The recommended one is for chat: it is what most people try first."""
    small = {one.model.key: one for one in judged if one.model.key}
    here = by_repository(models := list(models))
    loaded = {repository(model) for model in models if model.is_loaded}
    best = recommend("text_generation", small.values(), here)
    return LightweightModels(
        models={key: _told(one, here.get(one.model.id), one.model.id in loaded) for key, one in small.items()},
        downloaded=[key for key, one in small.items() if one.model.id in here],
        loaded=[key for key, one in small.items() if one.model.id in loaded],
        recommended=best.entry.key if best else None,
    )


def request(judged: Iterable[Judged], key: str) -> DownloadRequest:
    """What to fetch for a short name: the variant that suits this machine best. Raises NotFound."""
    judged = list(judged)
    for one in judged:
        if one.model.key == key:
            variant = one.variant if one.model.format == "gguf" else None
            return DownloadRequest(model=one.model.id, revision=one.model.revision, variant=variant)
    known = ", ".join(one.model.key for one in judged if one.model.key)
    message = f"There is no small model {key!r}. Those there are: {known}."
    raise NotFound(message, path=f"/lightweight/models/{key}")


def small_models(listed: Iterable[ListedModel], models: Iterable[ModelInfo]) -> list[ModelInfo]:
    """Those here that count as small: the ones of the list with a key, and those that came with the application."""
    ids = {model.id for model in listed if model.key}
    return [model for model in models if model.builtin or repository(model) in ids]


def _told(judged: Judged, here: str | None, loaded: bool) -> LightweightModel:
    model = judged.model
    return LightweightModel(
        id=model.id,
        model_id=here,
        name=model.name,
        description=model.why,
        task=model.task,
        size_mb=judged.weights.bytes / MB,
        parameters=model.parameters,
        licence=model.licence,
        tags=model.tags,
        is_downloaded=here is not None,
        is_loaded=loaded,
        suitability=judged.suitability,
    )
