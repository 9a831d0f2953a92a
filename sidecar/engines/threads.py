"""The processor's cores, as far as computing is concerned: how many there are, and how many other programs leave."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

import psutil

from sidecar.runtime import choosing

LOOK_EVERY_S = 0.25
STALE_S = 2.0  # what others did on average of a longer time says nothing of now


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
    take twice as long as one alone. `use(count)` sets how many compute, at most `most`; it is called where this is called.
    """

    def __init__(
        self,
        most: int,
        use: Callable[[int], None],
        *,
        others: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._used = most
        self._use = use
        self._cores = psutil.cpu_count() or most
        self._others = others or OthersLoad()
        self._clock = clock
        self._looked = clock()

    def __call__(self) -> None:
        """Look again if the last look is a while ago, and use fewer threads, or more."""
        if (since := self._clock() - self._looked) < LOOK_EVERY_S:
            return
        self._looked += since
        free = round(self._cores * (1 - self._others()))
        count = max(1, min(free, self._most))
        if count != self._used and since <= STALE_S:
            self._use(count)
            self._used = count


class OthersLoad:
    """What other processes used since the last look, of all that the processors can do: 0 to 1."""

    def __init__(self) -> None:
        self._last = _used()

    def __call__(self) -> float:
        before, self._last = self._last, _used()
        total, idle, own = (late - early for early, late in zip(before, self._last, strict=True))
        return max(0.0, total - idle - own) / total if total > 0 else 0.0


def _used() -> tuple[float, float, float]:
    """Processor seconds: of all processors, idle ones of them, and this process's."""
    times = psutil.cpu_times()
    return sum(times), times.idle + getattr(times, "iowait", 0.0), time.process_time()
