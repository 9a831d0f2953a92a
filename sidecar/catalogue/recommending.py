"""One model for each task: the most useful of the list that fits this machine well and answers without a wait. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import get_args

from sidecar.catalogue.fitting import pace, speed_of
from sidecar.catalogue.judging import COMFORTABLE, Judged, entry, is_comfortable
from sidecar.types import ModelType, Recommendation

WORDS: dict[ModelType, str] = {
    "text_generation": "chat",
    "classification": "classification",
    "translation": "translation",
    "embedding": "embeddings",
    "reranking": "reranking",
}


def recommendations(judged: Collection[Judged], installed: Mapping[str, str]) -> list[Recommendation]:
    """One per task; none for a task for which nothing fits."""
    found = (recommend(task, judged, installed) for task in get_args(ModelType))
    return [one for one in found if one is not None]


def recommend(task: ModelType, judged: Iterable[Judged], installed: Mapping[str, str]) -> Recommendation | None:
    """The best of the comfortable ones; where there is none, the smallest that fits, with a word about its speed."""
    ranked = sorted(
        (one for one in judged if one.model.task == task and one.model.quality), key=lambda one: -one.model.quality
    )
    comfortable = [one for one in ranked if is_comfortable(one.model, one.weights, one.suitability)]
    possible = [one for one in ranked if one.suitability.verdict in ("fits", "tight")]
    if not possible:
        return None
    chosen = comfortable[0] if comfortable else min(possible, key=lambda one: one.weights.bytes)
    better = ranked[: ranked.index(chosen)]
    return Recommendation(task, entry(chosen, installed), chosen.variant, _reason(task, chosen, better, comfortable))


def _reason(task: ModelType, chosen: Judged, better: list[Judged], comfortable: list[Judged]) -> str:
    if not comfortable:
        return f"The smallest for {WORDS[task]} of those that can be used here. {chosen.suitability.reason}"
    sentences = [f"The most useful for {WORDS[task]} of those that suit this machine.", chosen.suitability.reason]
    if better:
        sentences.append(_not(better[-1]))
    return " ".join(sentences)


def _not(other: Judged) -> str:
    """Why the next better one was passed over."""
    suits = other.suitability
    if suits.verdict == "too_large":
        return f"{other.model.name} would be better, and is too large."
    speed = speed_of(suits)
    if speed is not None and speed.expected < COMFORTABLE[other.model.task]:
        return f"{other.model.name} would be better, and slow: {pace(other.model.task, speed)}."
    return f"{other.model.name} would be better, and larger."
