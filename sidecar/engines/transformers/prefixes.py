"""The past of sequences that ended, kept so that the next turn of a conversation need not be read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

SHORTEST = 32  # tokens below which reading again is as quick

Past = TypeVar("Past")


@dataclass(frozen=True)
class _Kept(Generic[Past]):
    tokens: list[int]
    past: Past
    size: int


class Prefixes(Generic[Past]):
    """The most recently used pasts within `budget` bytes."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._kept: list[_Kept[Past]] = []  # the least recently used first

    @property
    def bytes(self) -> int:
        return sum(kept.size for kept in self._kept)

    def keep(self, tokens: list[int], token_bytes: int, copy: Callable[[], Past]) -> None:
        """Keep a past with the tokens it was computed from, in place of those that it continues."""
        size = len(tokens) * token_bytes
        if len(tokens) < SHORTEST or size > self._budget:
            return
        self._kept = [kept for kept in self._kept if common(kept.tokens, tokens) < len(kept.tokens)]
        while self._kept and self.bytes + size > self._budget:
            self._kept.pop(0)
        self._kept.append(_Kept(tokens, copy(), size))

    def find(self, tokens: list[int]) -> tuple[Past, int] | None:
        """The past with the longest beginning in common, and how many tokens that are: never the last of `tokens`."""
        lengths = [common(kept.tokens, tokens) for kept in self._kept]
        shared = min(max(lengths, default=0), len(tokens) - 1)
        if shared < SHORTEST:
            return None
        best = self._kept.pop(lengths.index(max(lengths)))
        self._kept.append(best)
        return best.past, shared


def common(first: list[int], second: list[int]) -> int:
    """How many tokens two sequences share from the beginning."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
