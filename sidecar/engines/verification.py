"""How closely a converted model must agree with the reference, and how that is measured. Knows no engine."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidecar.types import ModelType


@dataclass(frozen=True)
class Threshold:
    """The bound of one measure; `at_least` tells which side of it is good. `text` is how it is said."""

    bound: float
    at_least: bool
    text: str

    def passes(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


# The one table of what is accepted.
THRESHOLDS: dict[ModelType, dict[str, Threshold]] = {
    "classification": {
        "agreement": Threshold(0.97, True, "texts with the same label"),
        "max_deviation": Threshold(0.15, False, "largest difference of a probability"),
    },
    "embedding": {"cosine": Threshold(0.98, True, "lowest cosine of two vectors of a text")},
    "translation": {"chrf": Threshold(80.0, True, "chrF against the reference's translations")},
    "text_generation": {"chrf": Threshold(60.0, True, "chrF against the reference's answers")},
}

CHRF_ORDER = 6
CHRF_BETA = 2


def complaint(task: ModelType, measures: dict[str, float]) -> str:
    """What is below its threshold, with the numbers; empty when all is well. A measure that is no number is never well."""
    failed = [
        f"{threshold.text}: {measures[name]:.4g}, {'at least' if threshold.at_least else 'at most'} {threshold.bound:g} is asked"
        for name, threshold in THRESHOLDS[task].items()
        if not threshold.passes(measures[name])
    ]
    return "; ".join(failed)


def bounds(task: ModelType) -> dict[str, float]:
    return {name: threshold.bound for name, threshold in THRESHOLDS[task].items()}


def compare_scores(reference: list[list[float]], own: list[list[float]], *, multi_label: bool) -> dict[str, float]:
    """Probabilities, one row per text. With several labels a text agrees when all are on the same side of one half."""
    first, second = np.array(reference), np.array(own)
    above = (first >= 0.5) == (second >= 0.5)
    same = above.all(axis=1) if multi_label else first.argmax(axis=1) == second.argmax(axis=1)
    return {"agreement": float(same.mean()), "max_deviation": float(np.abs(first - second).max())}


def compare_vectors(reference: Any, own: Any) -> dict[str, float]:
    """Matrices of vectors of length 1, one row per text."""
    return {"cosine": float((reference * own).sum(axis=1).min())}


def compare_texts(reference: list[str], own: list[str]) -> dict[str, float]:
    return {"chrf": chrf(reference, own)}


def chrf(references: list[str], hypotheses: list[str]) -> float:
    """chrF2 of a corpus, 0 to 100 (Popović 2015): character n-grams up to 6 without spaces, recall weighs double.

    Orders that no reference is long enough for do not count; two empty texts agree.
    """
    scores = []
    for order in range(1, CHRF_ORDER + 1):
        pairs = [
            (_grams(first, order), _grams(second, order)) for first, second in zip(references, hypotheses, strict=True)
        ]
        matches = sum((first & second).total() for first, second in pairs)
        in_references = sum(first.total() for first, _ in pairs)
        in_hypotheses = sum(second.total() for _, second in pairs)
        if in_references or in_hypotheses:
            scores.append(_f_score(matches / in_hypotheses if in_hypotheses else 0.0,
                                   matches / in_references if in_references else 0.0))  # fmt: skip
    return 100 * math.fsum(scores) / len(scores) if scores else 100.0


def _grams(text: str, order: int) -> Counter[str]:
    letters = "".join(text.split())
    return Counter(letters[start : start + order] for start in range(len(letters) - order + 1))


def _f_score(precision: float, recall: float) -> float:
    weight = CHRF_BETA**2
    total = weight * precision + recall
    return (1 + weight) * precision * recall / total if total else 0.0
