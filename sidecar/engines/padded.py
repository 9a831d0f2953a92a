"""How many tokens are computed that stand for none, where texts of different lengths make one batch."""

from __future__ import annotations

from typing import Any


def to_longest(lengths: list[int], at_least: int = 0) -> list[int]:
    """Of each row, where all are as wide as the longest, or `at_least` so wide. In tokens, like the lengths."""
    width = max(at_least, *lengths)
    return [width - length for length in lengths]


class Unpadded:
    """A reader that computes none; what the scores of attention take beside is not counted."""

    def padding(self, inputs: list[Any]) -> list[int]:
        return [0] * len(inputs)
