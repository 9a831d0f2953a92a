"""Keeps a service running for the window: adopts one or starts one, watches it, starts it again with back-off.

The loop in `_supervise` is the whole story. It knows processes, not models; what the service says is for session.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app import running_service
from app.running_service import AdoptedService, BackgroundService, OwnedService
from app.service_state import ServiceState, SidecarOutcome
from sidecar.paths import Paths

if TYPE_CHECKING:
    from sidecar.client import Client

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 30.0
HEALTHY_S = 60.0
LOOK_SECONDS = 1.0
CANCEL_SECONDS = 0.5
STARTING = ServiceState("starting")


def delay_before(attempt: int) -> float:
    """Seconds before the given restart (the first is 1): 0.2, 0.4, 0.8, … 30."""
    return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempt - 1, 20))


class SidecarProcess(QObject):
    """The one owner of the service's process.

    Signals:
        state_changed(ServiceState): starting, ready, restarting or stopped.
        ended(SidecarOutcome): a run is over, whatever happens next.
    """

    state_changed = Signal(object)
    ended = Signal(object)

    def __init__(
        self,
        paths: Paths,
        *,
        background: Callable[[], bool] = lambda: False,
        launch: Callable[[Paths], OwnedService] = OwnedService,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.paths = paths
        self.state = STARTING
        self.service: OwnedService | AdoptedService | None = None
        self._background = background
        self._launch = launch
        self._restart_asked = False
        self._again = asyncio.Event()  # do not wait any longer before the next start
        self._task: asyncio.Task[None] | None = None

    @property
    def client(self) -> Client | None:
        """A client of the service, while one answers."""
        return self.service.client if self.service is not None and self.state.usable else None

    def start(self) -> None:
        """Begin to supervise; later, end the pause before the next start."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._supervise())
        self._again.set()

    async def stop(self) -> None:
        """End the service, owned or adopted, and leave it ended until `start`."""
        if self.service is not None:
            await self.service.stop()

    async def restart(self) -> None:
        """End the service and start one of our own at once."""
        self._restart_asked = True
        await self.stop()
        self._again.set()

    async def suspect(self) -> None:
        """The event stream broke: find out whether the service is still there."""
        if self.service is not None:
            await self.service.suspect()

    async def close(self, *, end_adopted: bool = False) -> None:
        """The window goes: end what it owns. An adopted service stays, unless `end_adopted`."""
        while self._task is not None and not self._task.done():
            self._task.cancel()  # again if need be: a library below may take one for its own timeout
            await asyncio.wait([self._task], timeout=CANCEL_SECONDS)
        service = self.service
        if service is not None and (service.owned or end_adopted):
            await service.stop()
        self.service = None
        await _let_go(service)
        if self._background() and (service is None or service.owned):
            BackgroundService(self.paths)  # takes the place of the one that was tied to this window

    async def _supervise(self) -> None:
        attempt = 0
        while True:
            began = time.monotonic()
            outcome = await self._run_once()
            attempt = _next_attempt(attempt, outcome, time.monotonic() - began)
            self._set(self._state_after(outcome, attempt))
            self.ended.emit(outcome)
            await _let_go(self.service)  # only now: while the state says that it answers, anybody may use its client
            if outcome.orderly:
                await self._rest()
            else:
                await running_service.set_within(self._again, self.state.retry_in_s)

    async def _run_once(self) -> SidecarOutcome:
        """From finding or starting a service to its end."""
        self._again.clear()
        self.service = await self._find_or_start()
        if client := await self.service.answering():
            self._set(ServiceState("ready", client.url, self.service.owned))
        return await self.service.ended()

    async def _find_or_start(self) -> OwnedService | AdoptedService:
        if client := await running_service.find(self.paths):
            return AdoptedService(self.paths, client)
        return BackgroundService(self.paths) if self._background() else self._launch(self.paths)

    def _state_after(self, outcome: SidecarOutcome, attempt: int) -> ServiceState:
        if not outcome.orderly:
            delay = delay_before(attempt)
            return ServiceState("restarting", "", True, attempt, outcome.reason, outcome.stderr, delay)
        if self._restart_asked:
            return STARTING
        return ServiceState("stopped", why=outcome.reason, details=outcome.stderr)

    async def _rest(self) -> None:
        """Stay stopped until the person starts it here, or another program starts one."""
        if self._restart_asked:
            self._restart_asked = False
            return
        while not await self._appeared():
            if await running_service.set_within(self._again, LOOK_SECONDS):
                break
        self._set(STARTING)

    async def _appeared(self) -> bool:
        if not self.paths.runtime_file.exists():
            return False
        client = await running_service.find(self.paths)
        if client is not None:
            await client.close()
        return client is not None

    def _set(self, state: ServiceState) -> None:
        self.state = state
        self.state_changed.emit(state)


def _next_attempt(attempt: int, outcome: SidecarOutcome, ran_for_s: float) -> int:
    """Which restart in a row this is; 0 after an orderly end."""
    if outcome.orderly:
        return 0
    return 1 if ran_for_s > HEALTHY_S else attempt + 1


async def _let_go(service: OwnedService | AdoptedService | None) -> None:
    if service is not None and service.client is not None:
        await service.client.close()
