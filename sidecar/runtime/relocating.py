"""The models folder moves to another disk while the service runs: a job that a crash interrupts and the next start goes on with.

Until everything is copied and compared the old folder is the one in use. Then one line on the disk, the journal's,
makes the new one it; whatever happens after that, a start finishes. Models in memory keep answering all the time; loads
wait for the moment of the change, downloads for the whole of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from sidecar.config import Settings
from sidecar.db import Database
from sidecar.errors import Conflict, EnvironmentFault, InvalidRequest
from sidecar.events import EventBus
from sidecar.hub.stopping import Stop
from sidecar.paths import Paths
from sidecar.registry.store import ModelStore, relocate
from sidecar.runtime.gate import Gate
from sidecar.runtime.hub import Hub
from sidecar.runtime.jobs import Jobs, Report, ended, to_its_end
from sidecar.storage import journal, moving
from sidecar.storage.journal import Journal
from sidecar.types import JobInfo

log = logging.getLogger(__name__)

T = TypeVar("T")
KIND = "move"
HELD = "It waits until the models folder has moved."
Remember = Callable[[Path], Awaitable[None]]


class Relocating:
    """`file` is the journal's. `switched()` is called once models lie elsewhere, so that what is in memory knows it."""

    def __init__(
        self, store: ModelStore, hub: Hub, jobs: Jobs, file: Path, events: EventBus, switched: Callable[[], None]
    ) -> None:
        self._store = store
        self._hub = hub
        self._jobs = jobs
        self._file = file
        self._events = events
        self._switched = switched
        self._gate = Gate()
        self._turn = asyncio.Lock()
        self._closing = False

    @property
    def folder(self) -> Path:
        """The models folder, as it is now."""
        return self._hub.manifests.models_dir

    @property
    def job_id(self) -> str | None:
        """The job that moves the folder, if one does."""
        job = self._moving()
        return job.id if job else None

    def using(self) -> AbstractAsyncContextManager[None]:
        """Within the block a model's files stay where they are."""
        return self._gate.using()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Alone among those that bring models into the folder or take them away. Raises Conflict while it moves."""
        self._refuse_while_moving()
        async with self._turn:
            yield

    def _moving(self) -> JobInfo | None:
        return next((job for job in self._jobs.all() if job.kind == KIND and not ended(job)), None)

    def _refuse_while_moving(self) -> None:
        if (job := self._moving()) is not None:
            raise Conflict(
                f"The models folder is moving to {job.model}. Wait until that is done, or cancel job {job.id}.",
                reason="the models folder moves", job=job.id,
            )  # fmt: skip

    async def start(self, folder: str, remember: Remember) -> JobInfo:
        """Begin to move; `remember(folder)` writes the setting. Raises InvalidRequest, Conflict, EnvironmentFault, DiskFull."""
        line = await asyncio.to_thread(_line, self.folder, folder)
        return self._begin(line, remember)

    async def resume(self, remember: Remember) -> None:
        """Go on with the move that the last service did not finish."""
        if (found := await asyncio.to_thread(pending, self._file)) is not None:
            log.info("the move of the models folder to %s goes on", found.target)
            self._begin(found, remember)

    def close(self) -> None:
        """What a move has copied stays from now on: the next start goes on with it."""
        self._closing = True

    # ---- the job ----------------------------------------------------------------------------------------------------

    def _begin(self, line: Journal, remember: Remember) -> JobInfo:
        work = partial(self._run, line, remember)
        return self._jobs.start(KIND, line.target, work, alone=True)

    async def _run(self, line: Journal, remember: Remember, report: Report) -> str:
        try:
            async with self._turn, self._hub.downloads.held(HELD):
                if not await asyncio.to_thread(line.has_switched):
                    await self._bring(line, report)
                return await to_its_end(self._finish(line, remember, report))
        finally:
            self._events.storage()

    async def _bring(self, line: Journal, report: Report) -> None:
        """Everything is in the new folder, and that is the one in use. What ends it before that is undone, but for the end
        of the service."""
        try:
            await _written(_begun, self._file, line)
            if not (line.by_rename and await self._rename(line)):
                await self._copy(line, report)
                async with self._gate.changing():
                    await self._copy(line, report)  # what changed meanwhile
                    await to_its_end(self._commit(line))
        except BaseException:
            if not line.switched and not self._closing:
                await to_its_end(asyncio.to_thread(_given_up, self._file, line))
            raise

    async def _rename(self, line: Journal) -> bool:
        async with self._gate.changing():
            if await to_its_end(asyncio.to_thread(moving.rename, Path(line.source), Path(line.target))):
                await to_its_end(self._commit(line))
                return True
        line.by_rename = False
        await _written(journal.write, self._file, line)
        return False

    async def _copy(self, line: Journal, report: Report) -> None:
        stop, loop = Stop(), asyncio.get_running_loop()

        def tell(file: str, done: float) -> None:
            loop.call_soon_threadsafe(report, f"copying {file}", done)

        copying = moving.Copying(Path(line.source), Path(line.target), stop.check, tell)
        work = asyncio.ensure_future(asyncio.to_thread(copying.run))
        try:
            await asyncio.wait({work})
        finally:
            stop.set()
            await asyncio.wait({work})
            failure = work.exception()
        if failure is not None:
            raise failure

    async def _commit(self, line: Journal) -> None:
        """The moment of the change: before it the old folder is the one, after it the new one."""
        await asyncio.to_thread(journal.write, self._file, _switched(line))
        line.switched = True
        self._hub.manifests.models_dir = Path(line.target)
        await self._store.relocate(Path(line.source), Path(line.target))
        self._switched()

    async def _finish(self, line: Journal, remember: Remember, report: Report) -> str:
        """Write the setting, take the files out of the old folder, close the journal."""
        await remember(Path(line.target))
        report("emptying the old folder", 1.0)
        left = await asyncio.to_thread(moving.empty, Path(line.source), Path(line.target))
        await asyncio.to_thread(self._file.unlink, missing_ok=True)
        rest = f" {left} files that came there meanwhile stay in {line.source}." if left else ""
        return f"The models are in {line.target} now.{rest}"


async def models_folder(settings: Settings, paths: Paths, database: Database) -> Path:
    """The folder for models: the one that an unfinished move has switched to, else the settings' one, else that beside the
    database. The paths of the models agree with it afterwards. Raises DatabaseUnusable."""
    line = await asyncio.to_thread(pending, paths.move_journal)
    if line is not None and await asyncio.to_thread(line.has_switched):
        await relocate(database, Path(line.source), Path(line.target))
        return Path(line.target)
    return _chosen(settings, paths)


def _chosen(settings: Settings, paths: Paths) -> Path:
    return Path(settings.models_dir).expanduser().absolute() if settings.models_dir else paths.models_dir


def pending(file: Path) -> Journal | None:
    """The move that is not finished. Blocks on the disk."""
    try:
        return journal.read(file)
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("%s is not readable: %s", file, error)
        return None


def _line(folder: Path, wanted: str) -> Journal:
    """The journal's line of a move that may begin. Raises what speaks against it."""
    asked = Path(wanted).expanduser()
    if not asked.is_absolute():
        raise InvalidRequest(reason=f"folder: {wanted} is not an absolute path")
    source, target = folder.resolve(), asked.resolve()
    moving.check_target(source, target)
    by_rename = moving.same_disk(source, target)
    return Journal(str(source), str(target), made=not target.exists(), by_rename=by_rename)


def _begun(file: Path, line: Journal) -> None:
    """Raises EnvironmentFault, and drops a move whose disk is no longer there or holds nothing of it."""
    again, target = file.exists(), Path(line.target)
    if again and not line.by_rename and moving.is_empty(target):
        raise EnvironmentFault(
            f"Moving the models to {target} was interrupted, and nothing of it is there. Move again."
        )
    journal.write(file, line)


def _given_up(file: Path, line: Journal) -> None:
    moving.discard(Path(line.source), Path(line.target), made=line.made)
    file.unlink(missing_ok=True)


async def _written(write: Callable[[Path, Journal], None], file: Path, line: Journal) -> None:
    """The journal, in a thread. A cancellation is heard once that is through: a later write would undo giving up."""
    writing = asyncio.ensure_future(asyncio.to_thread(write, file, line))
    try:
        await asyncio.shield(writing)
    finally:
        await to_its_end(asyncio.wait({writing}))


def _switched(line: Journal) -> Journal:
    return msgspec.structs.replace(line, switched=True)
