"""The processor's cores, as far as computing is concerned: how many there are, and how many other programs leave."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

import psutil

from sidecar.runtime import choosing

LOOK_EVERY_S = 0.25
PAUSE_S = 0.05  # up to this long between two requests is as good as work


def physical_cores() -> int:
    """Those this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(psutil.cpu_count(logical=False) or allowed, allowed)


def computing_threads(asked: int) -> int:
    """How many compute, by the table; `asked` 0 leaves it to the table."""
    return choosing.threads(asked, physical_cores())


def give_way() -> None:
    """From now on this thread, and those that it starts, take no core away from one that computes; they run when one is
    free, or soon.

    For threads that have a little to do between the steps of a computation: while one of its threads is held up, all
    others wait. Only Linux offers it.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # some containers forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


class SharedCores:
    """Keeps computing threads off the cores that other programs are busy on.

    Threads that compute one product together wait for the last of them hundreds of times a token. One that shares its core
    with a busy program keeps all others waiting for whole time slices: on two cores beside one busy program, two threads
    take twice as long as one alone. `use(count)` sets how many compute, at most `most`; it is called where `work` or `rest`
    is called. What others do while nothing is computed here says nothing of the time when something is.
    """

    def __init__(
        self,
        most: int,
        use: Callable[[int], None],
        *,
        others: OthersLoad | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._used = most
        self._use = use
        self._cores = psutil.cpu_count() or most
        self._others = others or OthersLoad()
        self._clock = clock
        self._looked = clock()
        self._seen_s = 0.0  # of work, since it was last decided how many compute
        self._resting = True

    def work(self) -> None:
        """Something begins to be computed, or goes on."""
        since = self._clock() - self._looked
        paused, self._resting = self._resting and since > PAUSE_S, False
        if paused:
            self._looked += since
            self._others.skip()
        elif since >= LOOK_EVERY_S:
            self._look()

    def rest(self) -> None:
        """Nothing is left to compute for now."""
        if not self._resting:
            self._look()
            self._resting = True

    def _look(self) -> None:
        """Take in what others used since the last look, and decide once enough was seen."""
        since = self._clock() - self._looked
        self._looked += since
        self._seen_s += since
        self._others.add()
        if self._seen_s < LOOK_EVERY_S:
            return
        self._seen_s = 0.0
        free = round(self._cores * (1 - self._others.share()))
        if (count := max(1, min(free, self._most))) != self._used:
            self._use(count)
            self._used = count


class OthersLoad:
    """What other processes used, of all that the processors can do, in the times that were added."""

    def __init__(self) -> None:
        self._last = _used()
        self._sums = [0.0, 0.0, 0.0]

    def skip(self) -> None:
        """Leave out the time since the last one that was added or left out."""
        self._last = _used()

    def add(self) -> None:
        """Add that time. It may be shorter than what the system counts in: only the sums say something."""
        now = _used()
        for index, (late, early) in enumerate(zip(now, self._last, strict=True)):
            self._sums[index] += late - early
        self._last = now

    def share(self) -> float:
        """Of the times that were added since this was last asked: 0 to 1."""
        (total, idle, own), self._sums = self._sums, [0.0, 0.0, 0.0]
        return max(0.0, total - idle - own) / total if total > 0 else 0.0


def _used() -> tuple[float, float, float]:
    """Processor seconds: of all processors, idle ones of them, and this process's."""
    times = psutil.cpu_times()
    return sum(times), times.idle + getattr(times, "iowait", 0.0), time.process_time()
