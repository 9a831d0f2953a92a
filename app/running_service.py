"""One run of the service as the window sees it: a process tied to the window, or one that lives without it.

Each kind answers the same questions: is it ready (`answering`), when and how did it end (`ended`), is it still there
(`suspect`), end now (`stop`). When to start which is decided in sidecar_process.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QProcess

from app.service_state import SidecarOutcome
from sidecar.errors import InglenookError, ServiceUnreachable
from sidecar.paths import Paths

if TYPE_CHECKING:
    from sidecar.client import Client

TAIL_BYTES = 8192
POLL_SECONDS = 0.05
START_SECONDS = 60.0  # a service that is not ready by then is ended
CHECK_SECONDS = 2.0
STOP_SECONDS = 5.0


def service_command(paths: Paths) -> list[str]:
    """Program and words that serve from these folders; a frozen build is its own interpreter."""
    words = ["serve"] if getattr(sys, "frozen", False) else ["-m", "sidecar", "serve"]
    return [sys.executable, *words, *paths.as_argument()]


async def find(paths: Paths) -> Client | None:
    """A client of the service that runs on these folders, or None unless its file, process and token are all right."""
    connect = await _connect()
    try:
        client = connect(paths)
    except ServiceUnreachable:
        return None
    if await answers(client):
        return client
    await client.close()
    return None


async def _connect() -> Callable[[Paths], Client]:
    """`Client.connect`. Its HTTP library takes half a second to import, which the event loop must not wait for."""
    module = "sidecar.client"
    if module not in sys.modules:
        await asyncio.to_thread(importlib.import_module, module)
    return cast("Callable[[Paths], Client]", sys.modules[module].Client.connect)


async def answers(client: Client) -> bool:
    """Whether it answers and takes our token (only then does /health tell more than its status)."""
    try:
        return (await client.health()).models_loaded is not None
    except InglenookError:
        return False


async def set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for `event`, but not longer; whether it was set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # unlike wait_for, never mistakes a cancellation for its own
            await event.wait()
    return event.is_set()


class OwnedService:
    """A process tied to this one: it ends when its standard input does, however this process ends."""

    owned = True

    def __init__(self, paths: Paths, command: list[str] | None = None) -> None:
        self.client: Client | None = None
        self._paths = paths
        self._began = time.monotonic()
        self._asked = False
        self._silent = False
        self._tail = bytearray()
        self._outcome: asyncio.Future[SidecarOutcome] = asyncio.get_running_loop().create_future()
        self._process = QProcess()
        self._process.setStandardOutputFile(QProcess.nullDevice())
        self._process.readyReadStandardError.connect(self._keep_tail)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)
        program, *words = command or [*service_command(paths), "--until-stdin-closes"]
        self._process.start(program, words)

    @property
    def pid(self) -> int:
        return self._process.processId()

    async def answering(self) -> Client | None:
        """A client once it is ready; None when it ended first, or was ended for taking too long."""
        while not self._outcome.done():
            if client := await find(self._paths):
                self.client = client
                return client
            if time.monotonic() - self._began > START_SECONDS:
                self._give_up()
            await asyncio.sleep(POLL_SECONDS)
        return None

    async def ended(self) -> SidecarOutcome:
        return await asyncio.shield(self._outcome)

    async def suspect(self) -> None:
        """Its stream broke: should the process live on and yet not answer, end it."""
        await asyncio.wait([self._outcome], timeout=STOP_SECONDS)  # a process that ends closes its streams first
        if self._asked or self._outcome.done() or self.client is None or await answers(self.client):
            return
        self._give_up()

    async def stop(self) -> None:
        """Close its standard input, then ask more firmly."""
        self._asked = True
        for insist in (self._process.closeWriteChannel, self._process.terminate, self._process.kill):
            if self._outcome.done():
                return
            insist()
            await asyncio.wait([self._outcome], timeout=STOP_SECONDS)

    def _give_up(self) -> None:
        self._silent = True
        self._process.kill()

    def _keep_tail(self) -> None:
        self._tail += bytes(self._process.readAllStandardError().data())
        del self._tail[:-TAIL_BYTES]

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._keep_tail()
        if self._silent:
            self._conclude(problem="The service ran but did not answer, and was ended.")
        elif status == QProcess.ExitStatus.CrashExit:
            self._conclude(signal=code)
        else:
            self._conclude(exit_code=code)

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._conclude(problem=f"The service could not be started: {self._process.errorString()}.")

    def _conclude(self, *, problem: str = "", exit_code: int | None = None, signal: int | None = None) -> None:
        if self._outcome.done():
            return
        ran_for = time.monotonic() - self._began
        tail = self._tail.decode("utf-8", "replace").strip()
        self._outcome.set_result(SidecarOutcome(ran_for, exit_code, signal, problem, tail, self._asked))


class AdoptedService:
    """A service that another program started. It is watched over its API, and outlives the window."""

    owned = False

    def __init__(self, paths: Paths, client: Client | None) -> None:
        self.client = client
        self._paths = paths
        self._began = time.monotonic()
        self._asked = False
        self._suspected = asyncio.Event()

    async def answering(self) -> Client | None:
        return self.client

    async def ended(self) -> SidecarOutcome:
        while self.client is not None and await answers(self.client):
            self._suspected.clear()
            await set_within(self._suspected, CHECK_SECONDS)
        return await self._conclude()

    async def suspect(self) -> None:
        """Its stream broke: look at once instead of at the next round."""
        self._suspected.set()

    async def stop(self) -> None:
        """Ask it over its API; gone already is what was wanted."""
        self._asked = True
        if self.client is not None:
            with contextlib.suppress(ServiceUnreachable):
                await self.client.shutdown()
        self._suspected.set()

    async def _conclude(self) -> SidecarOutcome:
        ran_for = time.monotonic() - self._began
        if self._asked or await self._withdrew():
            return SidecarOutcome(ran_for, problem="The service was stopped by another program.", asked=True)
        return SidecarOutcome(ran_for, problem="The service ended unexpectedly; another program had started it.")

    async def _withdrew(self) -> bool:
        """Whether it took its discovery file away, as an orderly end does, within a moment."""
        for _ in range(10):
            if not self._paths.runtime_file.exists():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False


class BackgroundService(AdoptedService):
    """A service that this window starts to outlive it: no tie to standard input, its stderr goes to a file."""

    def __init__(self, paths: Paths) -> None:
        super().__init__(paths, None)
        self._stderr_file = paths.log_dir / "service-stderr.log"
        self._pid = start_detached(paths, self._stderr_file)

    async def answering(self) -> Client | None:
        """A client once it is ready; None when it ended first or takes too long."""
        while _lives(self._pid) and time.monotonic() - self._began < START_SECONDS:
            if client := await find(self._paths):
                self.client = client
                return client
            await asyncio.sleep(POLL_SECONDS)
        return None

    async def _conclude(self) -> SidecarOutcome:
        ran_for = time.monotonic() - self._began
        if self.client is not None and (self._asked or await self._withdrew()):
            return SidecarOutcome(ran_for, problem="The service was stopped by another program.", asked=True)
        return SidecarOutcome(
            ran_for, problem="The background service ended unexpectedly.", stderr=_end_of(self._stderr_file)
        )


def start_detached(paths: Paths, stderr_file: Path) -> int:
    """Start a service that outlives this process; returns its pid, 0 when it could not be started."""
    stderr_file.parent.mkdir(parents=True, exist_ok=True)
    program, *words = service_command(paths)
    process = QProcess()
    process.setProgram(program)
    process.setArguments(words)
    process.setStandardInputFile(QProcess.nullDevice())
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(str(stderr_file))
    started, pid = process.startDetached()
    return pid if started else 0


def _lives(pid: int) -> bool:
    import psutil  # only for a service in the background: showing the window does not wait for it

    try:
        return pid > 0 and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end_of(file: Path) -> str:
    return file.read_bytes()[-TAIL_BYTES:].decode("utf-8", "replace").strip() if file.exists() else ""
