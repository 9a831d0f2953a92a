"""The queue of downloads: which run, which wait, and what becomes of them; it survives restarts and crashes.

All methods belong to one event loop. What a download does is `downloading`'s; that it is remembered is `store`'s.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from sidecar.downloads.downloading import Downloader
from sidecar.downloads.job import Job
from sidecar.downloads.store import DownloadStore
from sidecar.errors import Conflict, DownloadNotFound, InglenookError, InternalError, InvalidRequest
from sidecar.events import EventBus
from sidecar.hub import hashing
from sidecar.hub.faults import is_transient
from sidecar.hub.stopping import Stopped
from sidecar.types import DownloadInfo, DownloadRequest, DownloadState, ErrorBody

log = logging.getLogger(__name__)

AT_ONCE = 2
KEPT = 200  # ended downloads that are remembered
TOLD_EVERY_SECONDS = 0.5
WAITS = (15.0, 60.0, 240.0, 900.0)  # seconds before a download that failed for the network is tried again


class DownloadQueue:
    """`waits`: how often, and after how many seconds, a download that failed for the network is tried again."""

    def __init__(
        self, store: DownloadStore, downloader: Downloader, events: EventBus, waits: tuple[float, ...] = WAITS
    ) -> None:
        self._store = store
        self._downloader = downloader
        self._events = events
        self._waits = waits
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closed = False
        self._held = False

    async def open(self) -> None:
        """Read what was remembered, and go on with what was under way."""
        for row in await self._store.all():
            job = Job(row.request, row.info)
            if not job.ended and job.info.state != "paused":
                job.change(state="queued", attempts=0, message="It goes on after a restart.")
            self._jobs[job.id] = job
        for job in list(self._jobs.values()):
            self._wait_until(job)
        self._start_more()

    async def close(self) -> None:
        """Stop what runs, so that it goes on at the next start."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        await self._halt(list(self._tasks), "queued")

    @asynccontextmanager
    async def held(self, why: str) -> AsyncIterator[None]:
        """Nothing runs within the block; afterwards all go on where they were. `why` is told with those that wait."""
        self._held = True
        try:
            await self._halt(list(self._tasks), "queued")
            for job in self._jobs.values():
                if job.info.state == "queued":
                    await self._change(job, message=why)
            yield
        finally:
            self._held = False
            self._start_more()

    def wanted(self) -> set[str]:
        """The names under which contents and folders lie that a download on the list may still need."""
        jobs = [job for job in self._jobs.values() if job.info.state not in ("done", "cancelled")]
        return {job.id for job in jobs} | {hashing.key(file) for job in jobs for file in job.announced}

    # ---- what a user does -------------------------------------------------------------------------------------------

    async def add(self, request: DownloadRequest) -> DownloadInfo:
        """Put a download in line, and remember it; the same one again is the one there is.

        Raises InvalidRequest, and DiskFull or DatabaseUnusable when it cannot be remembered: it is then not in line.
        """
        if not request.model.strip("/ "):
            raise InvalidRequest(reason="model: name the repository, such as org/name")
        if (same := self._same(request)) is not None:
            return same.snapshot()
        info = DownloadInfo(
            job_id=secrets.token_hex(6), model=request.model, revision=request.revision, state="queued",
            variant=request.variant, priority=request.priority, created_at=time.time(),
        )  # fmt: skip
        job = Job(request, info)
        self._jobs[job.id] = job
        try:
            await self._store.save(job.row)
        except InglenookError:
            await self._halt([job.id], "queued")
            del self._jobs[job.id]
            raise
        await self._forget_oldest()
        self._tell(job)
        self._start_more()
        return job.snapshot()

    def all(self) -> list[DownloadInfo]:
        """Every download, the newest first."""
        return [job.snapshot() for job in reversed(list(self._jobs.values()))]

    def get(self, job_id: str) -> DownloadInfo:
        """Raises DownloadNotFound."""
        return self._job(job_id).snapshot()

    async def pause(self, job_id: str) -> DownloadInfo:
        """Stop it for now; what has arrived stays. Raises DownloadNotFound, Conflict when it has ended."""
        job = self._unfinished(job_id)
        await self._halt([job_id], "paused")
        if not job.ended:
            await self._change(job, state="paused", message="", retry_at=None)
        return job.snapshot()

    async def resume(self, job_id: str) -> DownloadInfo:
        """Go on with one that is paused or waits for its next attempt. Raises DownloadNotFound, Conflict."""
        job = self._unfinished(job_id)
        if job_id in self._tasks and job.info.retry_at is not None:
            await asyncio.wait({self._tasks[job_id]})  # this attempt has failed, and is about to end
        if job_id not in self._tasks:
            await self._enqueue(job, attempts=0)
        return job.snapshot()

    async def retry(self, job_id: str) -> DownloadInfo:
        """Begin again with one that failed or was cancelled; what has arrived is used. Raises DownloadNotFound, Conflict."""
        job = self._job(job_id)
        if job.info.state not in {"failed", "cancelled"}:
            raise Conflict(
                f"The download {job_id} is {job.info.state}; only one that failed or was cancelled is retried."
            )
        await self._enqueue(job, attempts=0, finished_at=None, error=None)
        return job.snapshot()

    async def cancel(self, job_id: str) -> DownloadInfo:
        """End it, and delete what has arrived. Nothing happens to one that has ended. Raises DownloadNotFound."""
        job = self._job(job_id)
        await self._halt([job_id], "paused")
        if job.info.state != "done":
            await self._delete_arrived(job)
        if not job.ended:
            await self._finish(job, "cancelled", message="It was cancelled.")
        return job.snapshot()

    async def prioritise(self, job_id: str, priority: int) -> DownloadInfo:
        """Put it before or behind others that wait. Raises DownloadNotFound."""
        job = self._job(job_id)
        await self._change(job, priority=priority)
        return job.snapshot()

    async def forget(self, job_id: str) -> DownloadInfo:
        """Take one that has ended off the list; its model stays. Raises DownloadNotFound, Conflict while it is under way."""
        job = self._job(job_id)
        if not job.ended:
            raise Conflict(f"The download {job_id} is under way; cancel it first.", reason="under way")
        if job.info.state != "done":
            await self._delete_arrived(job)
        del self._jobs[job_id]
        await self._store.forget(job_id)
        return job.snapshot()

    # ---- running ----------------------------------------------------------------------------------------------------

    def _start_more(self) -> None:
        waiting = [job for job in self._jobs.values() if self._may_start(job)]
        waiting.sort(key=lambda job: (-job.info.priority, job.info.created_at))
        for job in waiting[: max(0, AT_ONCE - len(self._tasks))]:
            job.stop.clear()
            task = asyncio.create_task(self._run(job), name=f"download {job.info.model}")
            self._tasks[job.id] = task
            task.add_done_callback(partial(self._task_ended, job.id))

    def _may_start(self, job: Job) -> bool:
        waits = job.info.retry_at is not None and job.info.retry_at > time.time()
        return (
            not self._closed
            and not self._held
            and job.info.state == "queued"
            and not waits
            and job.id not in self._tasks
        )

    def _task_ended(self, job_id: str, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(job_id, None)
        self._start_more()

    async def _run(self, job: Job) -> None:
        await self._change(job, state="checking", message="", error=None, retry_at=None, attempts=job.info.attempts + 1)
        telling = asyncio.create_task(self._keep_telling(job), name=f"progress of {job.id}")
        try:
            model_id = await self._downloader.run(job)
            telling.cancel()
            await self._finish(job, "done", model_id=model_id, message=job.info.message or f"{model_id} is here.")
        except Stopped:
            await self._change(job, state=job.stopped_for, message="")
        except InglenookError as error:
            await self._failed(job, error)
        except Exception as error:
            log.exception("fault in the download %s", job.id)
            await self._failed(job, InternalError(reason=type(error).__name__, request_id=job.id))
        finally:
            telling.cancel()

    async def _failed(self, job: Job, error: InglenookError) -> None:
        """Try again later where that may help, else say why it failed."""
        body = ErrorBody(error.code, error.message, error.details)
        if not is_transient(error) or job.info.attempts > len(self._waits):
            await self._finish(job, "failed", error=body, message=error.message)
            return
        seconds = max(self._waits[job.info.attempts - 1], error.details.get("retry_after") or 0.0)
        message = f"{error.message} It is tried again in {_spoken(seconds)}."
        await self._change(job, state="queued", retry_at=time.time() + seconds, error=body, message=message)
        self._wait_until(job)

    def _wait_until(self, job: Job) -> None:
        if job.info.state == "queued" and job.info.retry_at is not None:
            seconds = max(0.0, job.info.retry_at - time.time()) + 0.01
            self._timers[job.id] = asyncio.get_running_loop().call_later(seconds, self._start_more)

    async def _keep_telling(self, job: Job) -> None:
        """Tell of progress, and remember the steps that a restart has to know."""
        remembered = (job.info.state, job.info.commit)
        while True:
            await asyncio.sleep(TOLD_EVERY_SECONDS)
            self._tell(job)
            if (job.info.state, job.info.commit) != remembered:
                remembered = (job.info.state, job.info.commit)
                await self._save(job)

    async def _halt(self, job_ids: list[str], state: DownloadState) -> None:
        """Make those end that run, and wait for it."""
        for job_id in job_ids:
            if (timer := self._timers.pop(job_id, None)) is not None:
                timer.cancel()
            if job_id in self._tasks:
                self._jobs[job_id].halt(state)
        tasks = {self._tasks[job_id] for job_id in job_ids if job_id in self._tasks}
        if tasks:
            await asyncio.wait(tasks)

    # ---- the books --------------------------------------------------------------------------------------------------

    def _job(self, job_id: str) -> Job:
        try:
            return self._jobs[job_id]
        except KeyError:
            raise DownloadNotFound(job=job_id) from None

    def _unfinished(self, job_id: str) -> Job:
        job = self._job(job_id)
        if job.ended:
            raise Conflict(f"The download {job_id} has ended: it is {job.info.state}.", reason="it has ended")
        return job

    def _same(self, request: DownloadRequest) -> Job | None:
        return next((job for job in self._jobs.values() if job.request == request and not job.ended), None)

    async def _delete_arrived(self, job: Job) -> None:
        others = [other for other in self._jobs.values() if other is not job and not other.ended]
        await self._downloader.forget(job, others)

    async def _enqueue(self, job: Job, **fields: object) -> None:
        await self._change(job, state="queued", message="", retry_at=None, **fields)
        self._start_more()

    async def _finish(self, job: Job, state: DownloadState, **fields: object) -> None:
        await self._change(job, state=state, finished_at=time.time(), retry_at=None, **fields)

    async def _change(self, job: Job, **fields: object) -> None:
        job.change(**fields)
        self._tell(job)
        await self._save(job)

    async def _save(self, job: Job) -> None:
        """A database that cannot be written, as on a full disk, does not end the download."""
        try:
            await self._store.save(job.row)
        except InglenookError as error:
            log.warning("the download %s could not be remembered: %s", job.id, error.message)

    def _tell(self, job: Job) -> None:
        self._events.download(job.snapshot())

    async def _forget_oldest(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.ended]
        for job_id in ended[: max(0, len(ended) - KEPT)]:
            del self._jobs[job_id]
            await self._store.forget(job_id)


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
