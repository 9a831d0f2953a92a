"""The requests at the library: which wait, which occupy a slot, and the threads that stand at its callbacks.

Where the slots share one cache, the library fails every running request when that is full. So a request is let in only
when the cache can hold all that it and the running ones may come to; those that do not fit wait in order. Where each slot
has its own cache there is always room: no request comes to more than the context.

Prompts that are read in one step take less time than one after another: the first alone, and then the others, took eight
prompts of 75 tokens a twentieth to a sixth longer. So where several were served at once before, the first of the next ones
waits a moment for others. Who is alone never waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import xllamacpp

from sidecar.engines.base import Broken, News
from sidecar.engines.llamacpp.answering import Answering, Job
from sidecar.engines.llamacpp.deciding import Deciding
from sidecar.engines.llamacpp.prompts import Prompts
from sidecar.engines.llamacpp.schemas import Schemas
from sidecar.runtime.protocol import Decide, Finished, Generate

GATHER_S = 0.002  # without another request: then nobody else comes
GATHER_AT_MOST_S = 0.01


class Slots:
    """Serves generation and decisions. `places`: slots of the library; `cells`: tokens that its cache holds."""

    def __init__(
        self, server: xllamacpp.Server, prompts: Prompts, *, places: int, cells: int, end_id: int | None
    ) -> None:
        self._server = server
        self._prompts = prompts
        self._places = places
        self._cells = cells
        self._end_id = end_id
        self._schemas = Schemas(prompts.not_json)
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._running: dict[int, Job] = {}
        self._most = 0  # running at once since nothing did
        self._gathering = False
        self._arrived = threading.Event()
        self._threads = ThreadPoolExecutor(places, thread_name_prefix="slot")
        self._tell: Callable[[News], None] = lambda news: None

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def connect(self, tell: Callable[[News], None]) -> None:
        self._tell = tell

    def submit(self, request: Generate | Decide) -> None:
        """Tokenize and put in line. Raises InglenookError."""
        job = self._job(request)
        with self._lock:
            self._waiting.append(job)
            self._arrived.set()
            if not (self._running or self._gathering):
                self._begin()
            self._admit()

    def cancel(self, request_id: int) -> None:
        """One that waits leaves the line; one that runs ends with the library's next message, which is its next step."""
        with self._lock:
            for job in (*self._waiting, *self._running.values()):
                if job.id == request_id:
                    job.cancelled = True
            left = [job for job in self._waiting if job.cancelled]
            self._waiting = deque(job for job in self._waiting if not job.cancelled)
        for job in left:
            self._tell(self._end(job))

    def _job(self, request: Generate | Decide) -> Job:
        if isinstance(request, Decide):
            prompt, labels = self._prompts.decision(request)
            return Deciding(request.id, prompt, labels, self._end_id, self._prompts.weigher)
        return Answering(request.id, self._prompts.question(request), self._schemas, request.logprobs)

    def _begin(self) -> None:
        """Something runs again, with others if there were some the last time. The lock is held."""
        self._gathering, self._most = self._most > 1, 0
        if self._gathering:
            self._threads.submit(self._gather)

    def _gather(self) -> None:
        """Let those in that come within a moment, together."""
        until = time.monotonic() + GATHER_AT_MOST_S
        while len(self._waiting) < self._places and time.monotonic() < until and self._arrived.wait(GATHER_S):
            self._arrived.clear()
        with self._lock:
            self._gathering = False
            self._admit()

    def _admit(self) -> None:
        """Start those at the front of the line that have a place and room. The lock is held."""
        while self._may_start():
            job = self._waiting.popleft()
            self._running[job.id] = job
            self._most = max(self._most, len(self._running))
            self._threads.submit(self._serve, job)

    def _may_start(self) -> bool:
        free = not self._gathering and len(self._running) < self._places
        return bool(self._waiting) and free and self._has_room(self._waiting[0])

    def _has_room(self, job: Job) -> bool:
        taken = sum(running.cells for running in self._running.values())
        return not self._running or taken + job.cells <= self._cells

    def _serve(self, job: Job) -> None:
        end = self._end(job)
        with self._lock:
            del self._running[job.id]
            self._admit()
        self._tell(end)

    def _end(self, job: Job) -> Finished | Broken:
        try:
            return job.run(self._server, self._tell)
        except Exception as error:  # noqa: BLE001 - whatever went wrong costs this request only
            return Broken(job.id, error)
