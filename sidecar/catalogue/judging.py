"""The built-in list on this machine: for each model and each way to have it, how it suits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.catalogue import fitting
from sidecar.catalogue.entries import ListedModel, Weights
from sidecar.runtime.outlook import Outlook
from sidecar.types import CatalogueEntry, ModelType, Suitability, Variant

# Slower than that, one waits: reading speed for a chat, and what makes a search or a table of texts bearable.
COMFORTABLE: dict[ModelType, float] = {
    "text_generation": 7.0,
    "classification": 4.0,
    "embedding": 4.0,
    "reranking": 2.0,
    "translation": 0.5,
}
MODEST_BYTES = 1_500_000_000  # of weights that answer at a bearable speed on nearly any machine
_EXPLANATIONS = {
    "Q4_K_M": "A quarter of the size, nearly as good as the original. The usual choice.",
    "Q8_0": "As good as the original, at half its size.",
    "pickle": "An older format that can hold code. With your permission it is converted once, kept from the network.",
}
ORIGINAL = "The weights as their makers published them."


@dataclass(frozen=True)
class Judged:
    """A listed model with how each of its variants suits, in the order of the list. `best`: the one to take here."""

    model: ListedModel
    suits: tuple[Suitability, ...]
    best: int

    @property
    def weights(self) -> Weights:
        return self.model.variants[self.best]

    @property
    def suitability(self) -> Suitability:
        return self.suits[self.best]

    @property
    def variant(self) -> str:
        return self.model.variant_name(self.weights)


def judge(model: ListedModel, outlook: Outlook) -> Judged:
    """The best variant is the most exact that fits and is quick; else the first that fits at all; else the smallest."""
    suits = tuple(
        fitting.suitability(fitting.candidate(model, weights), weights.bytes, outlook) for weights in model.variants
    )
    choices = sorted(range(len(suits)), key=lambda index: model.variants[index].bytes)
    comfortable = [index for index in choices if is_comfortable(model, model.variants[index], suits[index])]
    possible = [index for index in choices if suits[index].verdict in ("fits", "tight")]
    return Judged(model, suits, comfortable[-1] if comfortable else possible[0] if possible else choices[0])


def is_comfortable(model: ListedModel, weights: Weights, suits: Suitability) -> bool:
    """It fits with room to spare and answers without a wait; where no speed is known, it is small enough for any machine."""
    if suits.verdict != "fits":
        return False
    speed = fitting.speed_of(suits)
    return weights.bytes <= MODEST_BYTES if speed is None else speed.expected >= COMFORTABLE[model.task]


def entry(judged: Judged, installed: Mapping[str, str]) -> CatalogueEntry:
    """What is told of it in a list. `installed`: the names here of the models of repositories."""
    model = judged.model
    return CatalogueEntry(
        id=model.id,
        name=model.name,
        task=model.task,
        suitability=judged.suitability,
        licence=model.licence,
        gated=model.gated,
        parameters=model.parameters,
        bytes=judged.weights.bytes,
        formats=[model.format],
        why=model.why,
        key=model.key,
        curated=True,
        installed=model.id in installed,
        tags=model.tags,
        engine=model.engine,
        revision=model.revision,
        variant=judged.variant,
        model_id=installed.get(model.id),
    )


def variants(judged: Judged) -> list[Variant]:
    """Every way to have it, the one to take here first."""
    made = [
        Variant(
            name=judged.model.variant_name(weights),
            format=judged.model.format,
            explanation=_EXPLANATIONS.get(judged.model.variant_name(weights), ORIGINAL),
            bytes=weights.bytes,
            files=weights.files,
            suitability=judged.suits[index],
            recommended=index == judged.best,
        )
        for index, weights in enumerate(judged.model.variants)
    ]
    return sorted(made, key=lambda variant: not variant.recommended)
