"""Long work on the event loop in short turns, so that the window stays alive.

A thread would not do for pure Python work: it competes with the painting code for the interpreter, several times per
frame. Work that waits for a disk belongs in a thread; work that computes belongs here.
"""

import asyncio
from time import perf_counter

BUDGET_S = 0.006  # leaves most of a frame to painting


class Pacer:
    """Counts the time of the present turn; `breathe` ends the turn when the budget is spent."""

    def __init__(self, budget_s: float = BUDGET_S) -> None:
        self._budget_s = budget_s
        self._began = perf_counter()

    async def breathe(self) -> None:
        """Let the event loop do everything else first if this turn has been long enough."""
        if perf_counter() - self._began < self._budget_s:
            return
        await asyncio.sleep(0)
        self._began = perf_counter()
