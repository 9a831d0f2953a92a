"""Long tasks with an id: their state, their progress, how they ended, and how to stop them.

It knows nothing of what a job does. A job is a coroutine that reports progress; cancelling it cancels the coroutine,
which cleans up after itself. Jobs live as long as the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec

from sidecar.errors import Conflict, InglenookError, InternalError, JobNotFound
from sidecar.events import EventBus
from sidecar.types import ErrorBody, JobInfo, JobState

log = logging.getLogger(__name__)
T = TypeVar("T")

KEPT = 100  # finished jobs that are remembered
SMALLEST_STEP = 0.01  # of progress, that is worth an event


class Report(Protocol):
    """Tells how far the work is: what is being done, the share that is, and more of the job's own fields."""

    def __call__(self, stage: str, done: float, /, **told: Any) -> None: ...


Work = Callable[[Report], Awaitable[str]]
_ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled")


class Jobs:
    """The jobs of this service, the newest last. Jobs of one kind run one after another."""

    def __init__(self, events: EventBus) -> None:
        self._events = events
        self._jobs: dict[str, JobInfo] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self.closing = False
        self._alone = ""

    def start(self, kind: str, model: str, work: Work, *, alone: bool = False) -> JobInfo:
        """Put `work(report)` in line; it returns how it ended, in words. One that is `alone` begins only while no other
        runs, and none begins until it has ended. Raises Conflict, also when the model has such a job."""
        self._refuse_beside(alone=alone)
        running = next((job for job in self.all() if (job.kind, job.model) == (kind, model) and not ended(job)), None)
        if running is not None:
            raise Conflict(
                f"{model!r} already has a job to {kind} it: {running.id}.", reason="job running", job=running.id
            )
        job = JobInfo(secrets.token_hex(6), kind, model, "queued", created_at=time.time())
        self._alone = job.id if alone else ""
        self._forget_oldest()
        self._change(job)
        task = asyncio.create_task(self._run(job.id, work), name=f"{kind} {model}")
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._task_ended(job.id))
        return job

    def all(self) -> list[JobInfo]:
        return list(self._jobs.values())

    def get(self, job_id: str) -> JobInfo:
        """Raises JobNotFound."""
        try:
            return self._jobs[job_id]
        except KeyError:
            raise JobNotFound(job=job_id) from None

    async def cancel(self, job_id: str) -> JobInfo:
        """Stop it and wait until it has cleaned up; nothing happens to one that has ended. Raises JobNotFound."""
        self.get(job_id)
        if (task := self._tasks.get(job_id)) is not None:
            task.cancel()
            await asyncio.wait({task})
        return self.get(job_id)

    async def cancel_of(self, model: str) -> None:
        """Stop what is done with a model."""
        for job in [job for job in self.all() if job.model == model and not ended(job)]:
            await self.cancel(job.id)

    async def close(self) -> None:
        """Cancel what runs and wait for it; `closing` tells it that nobody asked for that."""
        self.closing = True
        tasks = set(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _refuse_beside(self, *, alone: bool) -> None:
        """Raises Conflict that names the job which is in the way."""
        for job in self.all():
            if not ended(job) and (alone or job.id == self._alone):
                raise Conflict(
                    f"The job {job.id} to {job.kind} {job.model} is under way. Wait until it has ended, or cancel it.",
                    reason="another job runs", job=job.id,
                )  # fmt: skip

    def _task_ended(self, job_id: str) -> None:
        """One that was cancelled before its first step has not said so itself."""
        self._tasks.pop(job_id, None)
        if not ended(self.get(job_id)):
            self._finish(job_id, "cancelled", message="It was cancelled.")

    async def _run(self, job_id: str, work: Work) -> None:
        try:
            async with self._turns.setdefault(self.get(job_id).kind, asyncio.Lock()):
                self._update(job_id, state="running")
                message = await work(partial(self._progressed, job_id))
            self._finish(job_id, "done", message=message, progress=1.0)
        except asyncio.CancelledError:
            self._finish(job_id, "cancelled", message="It was cancelled.")
        except InglenookError as error:
            self._fail(job_id, error)
        except Exception as error:
            log.exception("fault in job %s", job_id)
            self._fail(job_id, InternalError(reason=type(error).__name__, request_id=job_id))

    def _progressed(self, job_id: str, stage: str, done: float, /, **told: Any) -> None:
        job = self.get(job_id)
        if job.stage != stage or done - job.progress >= SMALLEST_STEP:
            self._update(job_id, stage=stage, progress=round(max(done, job.progress), 3), **told)

    def _fail(self, job_id: str, error: InglenookError) -> None:
        body = ErrorBody(error.code, error.message, error.details)
        self._finish(job_id, "failed", message=error.message, error=body)

    def _finish(self, job_id: str, state: JobState, **fields: object) -> None:
        self._update(job_id, state=state, finished_at=time.time(), **fields)

    def _update(self, job_id: str, **fields: object) -> None:
        self._change(msgspec.structs.replace(self.get(job_id), **fields))

    def _change(self, job: JobInfo) -> None:
        self._jobs[job.id] = job
        self._events.job(job)

    def _forget_oldest(self) -> None:
        old = [job.id for job in self.all() if ended(job)]
        for job_id in old[: max(0, len(old) - KEPT + 1)]:
            del self._jobs[job_id]


def ended(job: JobInfo) -> bool:
    return job.state in _ENDED


async def to_its_end(work: Awaitable[T]) -> T:
    """What `work` returns. A cancellation comes too late for it, and is not heard."""
    running = asyncio.ensure_future(work)
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({running})
    return running.result()
