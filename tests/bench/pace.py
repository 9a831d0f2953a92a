"""Whether the host left the machine alone while something was measured. Benchmarks often run on a part of a shared machine.

What can be told is processor time that the host took away (steal). How quick the processor is meanwhile also changes; that
is why what is compared takes turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

import psutil

STOLEN = 0.01  # of the processor time of a round; more than this and it is measured again
AT_MOST = 3  # times as many rounds as are wanted
T = TypeVar("T")


class Rounds(Generic[T]):
    """Numbers of rounds, as many as it takes for `count` undisturbed ones; each appends what it measured to `figures`.

    Those of disturbed rounds are taken out again. Where the host gives no peace, the least disturbed stay.
    """

    def __init__(self, count: int) -> None:
        self.figures: list[T] = []
        self._count = count
        self._disturbed: list[tuple[float, T]] = []
        self._number = 0

    def __iter__(self) -> Iterator[int]:
        while len(self.figures) < self._count and self._number < AT_MOST * self._count:
            began, stolen = time.perf_counter(), _stolen_s()
            yield self._number
            self._number += 1
            share = (_stolen_s() - stolen) / (time.perf_counter() - began) / (psutil.cpu_count() or 1)
            if share > STOLEN:
                self._disturbed.append((share, self.figures.pop()))
        least = sorted(self._disturbed, key=itemgetter(0))[: self._count - len(self.figures)]
        self.figures += [figures for _, figures in least]

    def __str__(self) -> str:
        disturbed = self._number - self._count if self._disturbed else 0
        again = f", {disturbed} more were disturbed by the host of this machine" if disturbed else ""
        return f"{self._count} rounds in turn{again}"


def in_turn(count: int, turns: Sequence[Callable[[int], T]]) -> Rounds[list[T]]:
    """What each of `turns` gave in each round, asked with its number; every other round takes them backwards."""
    rounds: Rounds[list[T]] = Rounds(count)
    for number in rounds:
        way = 1 if number % 2 else -1
        rounds.figures.append([turn(number) for turn in turns[::way]][::way])
    return rounds


def _stolen_s() -> float:
    """Of all processors since the start of the machine; only Linux tells."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))
