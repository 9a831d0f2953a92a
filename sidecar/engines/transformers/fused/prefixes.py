"""The past of sequences that ended, kept so that the next turn of a conversation need not be read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sidecar.engines.transformers.fused.past import Past, Shape

SHORTEST = 32  # tokens below which reading again is as quick


@dataclass(frozen=True)
class _Kept:
    tokens: list[int]
    past: Past


class Prefixes:
    """The most recently used pasts within `budget` bytes."""

    def __init__(self, shape: Shape, budget: int) -> None:
        self._shape = shape
        self._budget = budget
        self._kept: list[_Kept] = []  # the least recently used first

    @property
    def bytes(self) -> int:
        return sum(kept.past.length for kept in self._kept) * self._shape.token_bytes

    def keep(self, tokens: list[int], copy: Callable[[], Past]) -> None:
        """Keep a past with the tokens it was computed from, in place of those that it continues."""
        size = len(tokens) * self._shape.token_bytes
        if len(tokens) < SHORTEST or size > self._budget:
            return
        self._kept = [kept for kept in self._kept if common(kept.tokens, tokens) < len(kept.tokens)]
        while self._kept and self.bytes + size > self._budget:
            self._kept.pop(0)
        self._kept.append(_Kept(tokens, copy()))

    def begin(self, tokens: list[int]) -> Past:
        """A past with room for all `tokens`, begun with the longest kept beginning. The last token is never in it."""
        past = Past(self._shape, len(tokens))
        lengths = [common(kept.tokens, tokens) for kept in self._kept]
        shared = min(max(lengths, default=0), len(tokens) - 1)
        if shared >= SHORTEST:
            best = self._kept.pop(lengths.index(max(lengths)))
            past.take(best.past, shared)
            self._kept.append(best)
        return past


def common(first: list[int], second: list[int]) -> int:
    """How many tokens two sequences share from the beginning."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
