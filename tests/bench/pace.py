"""Whether the machine ran evenly while something was measured. Benchmarks often run on a part of a shared machine.

Two things can be told there: processor time that the host took away (steal), and how quick a fixed piece of work is, which
changes by half when the host moves this machine's processors between cores of its own.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import numpy as np
import psutil

STOLEN = 0.01  # of the processor time of a round; more than this and it is measured again
AT_MOST = 3  # times as many rounds as are wanted
EVEN = 0.15  # that the pace may differ
SIDE = 1024
PRODUCTS = 10


class Rounds:
    """Numbers of rounds, as many as it takes for `count` undisturbed ones; in each, one figure is appended to every list.

    The figures of disturbed rounds are taken out again. Where the host gives no peace, the least disturbed stay.
    """

    def __init__(self, count: int, *figures: list[Any]) -> None:
        self._count = count
        self._figures = figures
        self._disturbed: list[tuple[float, list[Any]]] = []
        self._number = 0

    def __iter__(self) -> Iterator[int]:
        while self._kept < self._count and self._number < AT_MOST * self._count:
            began, stolen = time.perf_counter(), _stolen_s()
            yield self._number
            self._number += 1
            share = (_stolen_s() - stolen) / (time.perf_counter() - began) / (psutil.cpu_count() or 1)
            if share > STOLEN:
                self._disturbed.append((share, [figures.pop() for figures in self._figures]))
        for _, figures in sorted(self._disturbed, key=itemgetter(0))[: self._count - self._kept]:
            for known, figure in zip(self._figures, figures, strict=True):
                known.append(figure)

    def __str__(self) -> str:
        disturbed = self._number - self._count if self._disturbed else 0
        again = f", {disturbed} more were disturbed by the host of this machine" if disturbed else ""
        return f"{self._count} rounds in turn{again}"

    @property
    def _kept(self) -> int:
        return len(self._figures[0])


def pace() -> float:
    """Thousand millions of operations a second of a product of matrices, on all cores; the median of three."""
    matrix = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    matrix @ matrix  # the library's threads start
    speeds = [_speed(matrix) for _ in range(3)]
    time.sleep(0.2)  # its threads look for more work, for a moment
    return statistics.median(speeds)


def even(paces: list[float]) -> bool:
    return max(paces) <= (1 + EVEN) * min(paces)


def _speed(matrix: np.ndarray) -> float:
    began = time.perf_counter()
    for _ in range(PRODUCTS):
        matrix @ matrix
    return 2e-9 * SIDE**3 * PRODUCTS / (time.perf_counter() - began)


def _stolen_s() -> float:
    """Of all processors since the start of the machine; only Linux tells."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))
