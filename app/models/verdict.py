"""From probabilities to a decision: which labels hold at a threshold. Neither Qt nor the service is known here.

Thresholds are compared in whole hundredths, the steps of the slider, so that a decision and a count taken from a
histogram can never disagree about a rounding error.
"""

from collections.abc import Mapping
from dataclasses import dataclass

STEPS = 100
_ROUNDING = 1e-6  # 0.29 * 100 is 28.999…


@dataclass(frozen=True)
class Verdict:
    """The labels that hold, most probable first; none means "not sure". `probability` is the highest of all labels."""

    labels: tuple[str, ...]
    probability: float

    @property
    def sure(self) -> bool:
        """Whether any label reaches the threshold."""
        return bool(self.labels)


def step_of(value: float) -> int:
    """A probability or a threshold in whole hundredths, 0 to 100, rounded down."""
    return max(0, min(STEPS, int(value * STEPS + _ROUNDING)))


def decide(probabilities: Mapping[str, float], threshold: float, *, multi_label: bool = False) -> Verdict:
    """One label for ordinary models, every label at or above the threshold for multi-label ones.

    `probabilities` must not be empty (ValueError); their order does not matter.
    """
    if not probabilities:
        raise ValueError("a decision needs at least one label")
    ranked = sorted(probabilities.items(), key=lambda item: item[1], reverse=True)
    least = step_of(threshold)
    holding = tuple(label for label, value in ranked if step_of(value) >= least)
    return Verdict(holding if multi_label else holding[:1], ranked[0][1])


def in_words(label: str) -> str:
    """A label as the beginning of a sentence: "very_negative" becomes "Very negative"; "LABEL_0" stays as it is."""
    if label.isupper():
        return label
    words = label.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
