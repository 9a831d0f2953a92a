"""What real runs teach about predictions: a factor, and how far one can trust it. Pure.

Ratios of measured to predicted are compared as logarithms, and by their median, so that a single run on a busy machine
moves nothing. A model's own runs count alone; until there are some, those of other models of its kind do.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from sidecar.types import Range

Quantity = Literal["start", "load", "memory", "first", "step"]

# The spread (standard deviation of the logarithm) before any run: about how far the arithmetic alone was off.
PRIOR: dict[Quantity, float] = {"start": 0.25, "load": 0.35, "memory": 0.15, "first": 0.3, "step": 0.25}
PRIOR_RUNS = 2.0  # how many runs outweigh it
SMALLEST_SPREAD = 0.06  # no two runs take the same time
EIGHTY_PERCENT = 1.2816  # standard deviations on either side of a normal distribution's middle
NORMAL_DEVIATION = 1.4826  # of the median absolute deviation


class Correction(Struct, frozen=True):
    """`factor`: measured by predicted. `spread`: the standard deviation of its logarithm. `runs`: of the model itself."""

    factor: float
    spread: float
    runs: int = 0

    def of(self, value: float) -> Range:
        expected, width = value * self.factor, math.exp(EIGHTY_PERCENT * self.spread)
        return Range(expected / width, expected, expected * width)


UNTRIED = {quantity: Correction(1.0, spread) for quantity, spread in PRIOR.items()}


def correction(quantity: Quantity, own: Sequence[float], kin: Sequence[Sequence[float]]) -> Correction:
    """From the ratios of the model's own runs; without any, from those of each other model of its kind."""
    if own:
        return _from(quantity, [math.log(ratio) for ratio in own], runs=len(own), trust=1.0)
    middles = [statistics.median(math.log(ratio) for ratio in ratios) for ratios in kin if ratios]
    if not middles:
        return UNTRIED[quantity]
    # One other model says something about the kind, and something about itself.
    return _from(quantity, middles, runs=0, trust=len(middles) / (len(middles) + 1))


def _from(quantity: Quantity, logarithms: list[float], *, runs: int, trust: float) -> Correction:
    middle = statistics.median(logarithms)
    seen = NORMAL_DEVIATION * statistics.median(abs(value - middle) for value in logarithms)
    count, prior = len(logarithms), PRIOR[quantity]
    spread = math.sqrt((PRIOR_RUNS * prior**2 + count * seen**2) / (PRIOR_RUNS + count) / (1 + runs * 0.5))
    return Correction(math.exp(trust * middle), max(spread, SMALLEST_SPREAD), runs)
