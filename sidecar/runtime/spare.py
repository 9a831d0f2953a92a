"""One spare worker with the engine's libraries imported, so that loading a model does not wait for imports.

It is started when the service has nothing better to do, kept while memory allows, and ended when nobody used it for a
while. It holds no model and counts for none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from sidecar.errors import InglenookError
from sidecar.runtime.resident import Clock, Timer
from sidecar.runtime.worker import Worker

log = logging.getLogger(__name__)

QUIET_S = 3.0  # imports take a processor for seconds: a model's first answer, and the window's first picture, go before


class SpareWorker:
    """At most one process. `start(engine)` makes it, `may_start()` says whether memory allows it, `minutes()` how long
    it stays unused (0 or less is no spare at all), `busy()` whether requests or loads would be slowed by its imports."""

    def __init__(
        self,
        *,
        start: Callable[[str], Awaitable[Worker]],
        may_start: Callable[[], Awaitable[bool]],
        minutes: Callable[[], float],
        busy: Callable[[], bool],
        clock: Clock,
    ) -> None:
        self._start = start
        self._may_start = may_start
        self._minutes = minutes
        self._busy = busy
        self._clock = clock
        self._engine = ""
        self._starting: asyncio.Task[Worker | None] | None = None
        self._timer: Timer | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> bool:
        """Whether a spare is there, on its way, or wanted."""
        return self._timer is not None

    def serves(self, engine: str) -> bool:
        """Whether a load with this engine would find a process, if only one that still imports."""
        return self._engine == engine and self._starting is not None

    def prepare(self, engine: str) -> None:
        """Want a spare for `engine`, unless there is one: it starts once the service is quiet."""
        if self._minutes() <= 0 or (self.waiting and self._engine == engine):
            return
        self._drop()
        self._engine = engine
        self._timer = self._clock.call_later(QUIET_S, self._begin)

    async def take(self, engine: str) -> Worker | None:
        """The spare for `engine`, now the caller's; one still importing is waited for. None when there is none."""
        if self._engine != engine:
            return None
        starting = self._let_go()
        if starting is None:
            return None
        try:
            worker = await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._end(starting)
            raise
        if worker is None or worker.alive:
            return worker
        await worker.close()
        return None

    async def close(self) -> bool:
        """End the spare and wait until its memory is back; false when there was none."""
        had = self._starting is not None
        self._drop()
        if self._ending:
            await asyncio.wait(set(self._ending))
        return had

    def _begin(self) -> None:
        if self._busy():
            self._timer = self._clock.call_later(QUIET_S, self._begin)
            return
        self._starting = asyncio.create_task(self._started(self._engine), name=f"spare worker ({self._engine})")
        self._timer = self._clock.call_later(self._minutes() * 60, self._drop)

    async def _started(self, engine: str) -> Worker | None:
        try:
            if await self._may_start():
                return await self._start(engine)
        except InglenookError as error:
            log.warning("no spare worker: %s", error.message)
        if self._starting is asyncio.current_task():
            self._let_go()
        return None

    def _let_go(self) -> asyncio.Task[Worker | None] | None:
        """Off the books. Who calls this owns what the task returns; None when nothing was started yet."""
        if self._timer is not None:
            self._timer.cancel()
        starting, self._starting, self._timer = self._starting, None, None
        return starting

    def _drop(self) -> None:
        if (starting := self._let_go()) is not None:
            self._end(starting)

    def _end(self, starting: asyncio.Task[Worker | None]) -> None:
        task = asyncio.create_task(_end(starting), name="end spare worker")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _end(starting: asyncio.Task[Worker | None]) -> None:
    """One that is still importing is not waited for."""
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        if (worker := await starting) is not None:
            await worker.close()
