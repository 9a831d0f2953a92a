"""How long the turns of the window's event loop are.

Processor time is measured, not the clock: on a machine that others use, a turn may take long without being long.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Self

from PySide6.QtCore import QAbstractEventDispatcher

PROMISED_S = 0.050
LONGEST_S = 2 * PROMISED_S  # the guard: on a shared machine the same work may cost nearly twice its processor time
PATIENCE_S = 150
TRIES = 3  # other work on the machine only ever adds to a turn: the best of a few is nearest to what it costs


class Turns:
    """The processor time of this thread in each turn of the event loop, in seconds."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.count = 0
        self._began = 0.0
        self._dispatcher = QAbstractEventDispatcher.instance()

    def __enter__(self) -> Self:
        self._dispatcher.awake.connect(self._next)
        self._dispatcher.aboutToBlock.connect(self._next)
        self._began = time.thread_time()
        return self

    def __exit__(self, *_error: object) -> None:
        self._dispatcher.awake.disconnect(self._next)
        self._dispatcher.aboutToBlock.disconnect(self._next)

    def _next(self) -> None:
        now = time.thread_time()
        self.longest = max(self.longest, now - self._began)
        self.count += 1
        self._began = now


async def longest_turn_while(action: Callable[[], Any], done: Callable[[], object], until: Callable[..., Any]) -> float:
    """The longest turn of the quietest of a few tries."""
    found = []
    for _ in range(TRIES):
        with Turns() as turns:
            action()
            await until(done, PATIENCE_S)
            await asyncio.sleep(0.05)  # a turn more, for what was painted last
        found.append(turns.longest)
        if turns.longest < PROMISED_S:
            break
    return min(found)
