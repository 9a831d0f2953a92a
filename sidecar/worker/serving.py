"""Serves one loaded model until the process is ended: takes frames in, lets the scheduler compute, sends what comes of it.

Amid a computation that takes long, the engine's pulse comes back here: what was cancelled is dropped, and the parent
gets a sign of life.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections import deque
from collections.abc import Callable

import psutil

from sidecar.runtime.protocol import Cancel, Down, Up
from sidecar.worker.scheduler import Scheduler

STATS_EVERY_S = 1.0
LOOK_EVERY_S = 0.25  # while a model works by itself: text that waits for the next piece waits no longer than this

Inbox = queue.SimpleQueue[Down | None]  # None only has the loop look again


class Serving:
    """The main thread's loop. Frames that arrive amid a computation wait in `_later`, but for cancels."""

    def __init__(self, scheduler: Scheduler, inbox: Inbox, send: Callable[[list[Up]], None]) -> None:
        self._scheduler = scheduler
        self._inbox = inbox
        self._send = send
        self._later: deque[Down] = deque()
        self._process = psutil.Process()
        self._next_stats = time.monotonic() + STATS_EVERY_S
        scheduler.listen(self._amid)

    def run(self) -> None:
        """Serve for ever; the reading thread ends the process."""
        while True:
            for frame in self._arrived():
                self._scheduler.accept(frame)
            frames = self._scheduler.iterate()
            self._send(frames + self._stats_when_due())
            if not (self._scheduler.busy or self._scheduler.serving):
                self._scheduler.rest()

    def _amid(self) -> bool:
        """Called while the scheduler computes, maybe from the engine's thread. False: nobody wants the result any more."""
        for frame in self._drained(0.0):
            if isinstance(frame, Cancel):
                self._scheduler.accept(frame)
            self._later.append(frame)  # a cancel too: its request may be among those that wait
        self._scheduler.stepped()
        self._send(self._scheduler.replies() + self._stats_when_due())
        return self._scheduler.wanted

    def _arrived(self) -> list[Down]:
        waited = list(self._later)
        self._later.clear()
        return waited + self._drained(0.0 if waited else self._patience())

    def _patience(self) -> float | None:
        """Seconds to wait for a frame: none while there is work, and a moment while the model works itself."""
        if self._scheduler.busy:
            return 0.0
        return LOOK_EVERY_S if self._scheduler.serving else None

    def _drained(self, patience: float | None) -> list[Down]:
        """All frames that have arrived, waiting up to `patience` seconds for the first; None waits as long as it takes."""
        frames: list[Down | None] = []
        with contextlib.suppress(queue.Empty):
            frames.append(self._inbox.get(block=patience != 0.0, timeout=patience))
            while True:
                frames.append(self._inbox.get_nowait())
        return [frame for frame in frames if frame is not None]

    def _stats_when_due(self) -> list[Up]:
        if time.monotonic() < self._next_stats:
            return []
        self._next_stats = time.monotonic() + STATS_EVERY_S
        return [self._scheduler.stats(self._process.memory_info().rss)]
