"""Whether a model that is not here would fit this machine, and how quick it would be: a verdict and its numbers. Pure."""

from __future__ import annotations

from sidecar.catalogue.entries import ListedModel, Weights
from sidecar.runtime.outlook import Candidate, Outlook
from sidecar.runtime.prediction import size
from sidecar.types import ModelType, Prediction, PredictRequest, Range, Suitability, Verdict

MB = 1e6
ROOM_LEFT = 0.85  # of what can be used now; a model that takes more leaves too little for longer texts
# What a usual request is like; a speed without that means nothing.
ASKED: dict[ModelType, PredictRequest] = {
    "text_generation": PredictRequest(prompt_tokens=128, max_new_tokens=128),
    "classification": PredictRequest(prompt_tokens=64, max_new_tokens=1),
    "embedding": PredictRequest(prompt_tokens=64, max_new_tokens=1),
    "reranking": PredictRequest(prompt_tokens=256, max_new_tokens=1),
    "translation": PredictRequest(prompt_tokens=30, max_new_tokens=30),
}


def candidate(model: ListedModel, weights: Weights) -> Candidate | None:
    """The listed model with these weights as it would be loaded; None where its sizes are not known."""
    if model.shape is None or model.parameters is None:
        return None
    return Candidate(
        engine=model.engine,
        task=model.task,
        precision=weights.precision.lower(),
        parameters=model.parameters,
        file_bytes=weights.bytes,
        shape=model.shape.shape,
        kept_width=model.shape.kept_width,
        context=model.context,
    )


def predicted(model: Candidate | None, outlook: Outlook) -> Prediction | None:
    """For the usual request of its task; None while nothing can be said."""
    return None if model is None else outlook.prediction(model, ASKED[model.task])


def suitability(model: Candidate | None, file_bytes: int, outlook: Outlook) -> Suitability:
    """`file_bytes`: of all that would be downloaded."""
    if file_bytes > outlook.free_disk:
        return Suitability(
            "too_large", f"Its files take {size(file_bytes)}, and the disk has {size(outlook.free_disk)} free."
        )
    if model is None:
        return _by_files(file_bytes, outlook)
    needed = outlook.needed(model)
    verdict, reason = _memory(needed, outlook)
    found = predicted(model, outlook) if verdict != "too_large" else None
    return Suitability(
        verdict=verdict,
        reason=f"{reason} {_speed(model, found, outlook, verdict)}".rstrip(),
        needed_mb=round(needed / MB, 1),
        tokens_per_second=found.tokens_per_second if found else None,
        texts_per_second=found.texts_per_second if found else None,
    )


def speed_of(suits: Suitability) -> Range | None:
    """The one that matters: texts for models that read or translate, else tokens."""
    return suits.texts_per_second or suits.tokens_per_second


def pace(task: ModelType, speed: Range) -> str:
    """A speed in words."""
    unit = {"text_generation": "tokens a second", "translation": "sentences a second"}.get(task, "texts a second")
    figure = f"{speed.expected:.0f}" if speed.expected >= 10 else f"{speed.expected:.1f}"
    return f"about {figure} {unit}"


def _by_files(file_bytes: int, outlook: Outlook) -> Suitability:
    """Of a model whose sizes are not known: it takes at least the memory of its files."""
    alone = max(0, outlook.alone.free)
    if file_bytes > alone:
        reason = f"Its files alone take {size(file_bytes)} of memory; models can use {size(alone)} on this machine now."
        return Suitability("too_large", reason)
    if file_bytes:
        reason = (
            f"It takes {size(file_bytes)} of memory and more; how much, and how quick it is, shows once it is here."
        )
        return Suitability("unknown", reason)
    return Suitability("unknown", "Nothing is published about its sizes; it is known once its files are here.")


def _memory(needed: int, outlook: Outlook) -> tuple[Verdict, str]:
    now, alone = max(0, outlook.now.free), max(0, outlook.alone.free)
    takes = f"It takes up to {size(needed)} of memory"
    if needed <= now * ROOM_LEFT:
        return "fits", f"{takes}; {size(now)} can be used."
    if needed <= now:
        return "tight", f"{takes} of the {size(now)} that can be used; little is left for long texts."
    if needed <= alone:
        return "tight", f"{takes}; {size(now)} can be used now, and {size(alone)} once other models are unloaded."
    return "too_large", f"{takes}; models can use {size(alone)} on this machine now."


def _speed(model: Candidate, found: Prediction | None, outlook: Outlook, verdict: Verdict) -> str:
    if verdict == "too_large":
        return ""
    if found is None:
        return f"Only memory was looked at. {outlook.why_no_speed(model)}"
    speed = found.texts_per_second or found.tokens_per_second
    return f"{pace(model.task, speed).capitalize()}." if speed else ""
