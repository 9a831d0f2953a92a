"""Requests whose texts are computed whole: they are read in batches of similar length, whoever they belong to.

Nobody waits for others to come: an idle worker begins at once, and who arrives while it computes makes the next batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sidecar.engines.base import Encoding, Reader
from sidecar.errors import Cancelled
from sidecar.runtime.protocol import Classify, Embed, Generate, Rerank, Translate
from sidecar.worker.batching import Batcher, Piece
from sidecar.worker.replies import Replies, is_out_of_memory, release


@dataclass
class ReadingJob:
    """A request whose texts are being read. `rows` fills up as batches are computed; `padding` in tokens."""

    request: Classify | Embed | Rerank | Translate | Generate
    encoding: Encoding
    received: float
    started: float | None = None
    rows: dict[int, Any] = field(default_factory=dict)
    padding: int = 0

    @property
    def complete(self) -> bool:
        return len(self.rows) == len(self.encoding.inputs)


class Reading:
    """The requests to one reader, one batch an iteration."""

    def __init__(self, reader: Reader[Any, Any], replies: Replies, budget: int, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._replies = replies
        self._clock = clock
        self._jobs: dict[int, ReadingJob] = {}
        self._batcher = Batcher(budget)
        self._computing: list[Piece] = []

    @property
    def busy(self) -> bool:
        return bool(self._jobs)

    @property
    def running(self) -> int:
        return sum(job.started is not None for job in self._jobs.values())

    @property
    def waiting(self) -> int:
        return len(self._jobs) - self.running

    @property
    def abandoned(self) -> bool:
        """Amid a batch: whether all of its requests were cancelled."""
        return bool(self._computing) and not any(piece.job in self._jobs for piece in self._computing)

    def add(self, request: Classify | Embed | Rerank | Translate | Generate) -> None:
        """Tokenize and put in line. Raises InglenookError, or whatever a tokenizer raises."""
        job = ReadingJob(request, self._reader.encode(request), self._clock())
        self._jobs[request.id] = job
        self._batcher.add(request.id, job.encoding.inputs, job.encoding.lengths)

    def cancel(self, request_id: int) -> None:
        if request_id in self._jobs:
            self._fail(request_id, Cancelled())

    def iterate(self) -> None:
        batch = self._batcher.take()
        now = self._clock()
        for piece in batch:
            job = self._jobs[piece.job]
            job.started = job.started or now
        self._compute(batch)
        for request_id in dict.fromkeys(piece.job for piece in batch):
            if request_id in self._jobs and self._jobs[request_id].complete:
                self._finish(self._jobs.pop(request_id))

    def _compute(self, batch: list[Piece]) -> None:
        self._computing, inputs = batch, [piece.input for piece in batch]
        try:
            rows = self._reader.forward(inputs)
        except Exception as error:  # noqa: BLE001 - an engine may raise anything; it costs the culprit only
            release(error)
            self._compute_apart(batch, error)
            return
        finally:
            self._computing = []
        for piece, row, padding in zip(batch, rows, self._reader.padding(inputs), strict=True):
            if (job := self._jobs.get(piece.job)) is not None:  # it may have been cancelled meanwhile
                job.rows[piece.index] = row
                job.padding += padding

    def _compute_apart(self, batch: list[Piece], error: Exception) -> None:
        """Find out which texts cannot be computed: their requests alone fail. Where memory was short, halves may do."""
        if len(batch) == 1:
            if batch[0].job in self._jobs:
                self._fail(batch[0].job, error)
            return
        size = 1
        if is_out_of_memory(error):
            self._batcher.shrink(batch)
            size = (len(batch) + 1) // 2
        for start in range(0, len(batch), size):
            wanted = [piece for piece in batch[start : start + size] if piece.job in self._jobs]
            if wanted:
                self._compute(wanted)

    def _finish(self, job: ReadingJob) -> None:
        try:
            rows = [job.rows[index] for index in range(len(job.rows))]
            outcome = self._reader.outcome(job.request, job.encoding, rows)
        except Exception as error:  # noqa: BLE001 - an engine may raise anything; it costs its request only
            self._replies.fail(job.request.id, error)
            return
        self._timed(job, outcome)
        self._replies.finish(job.request.id, outcome)

    def _timed(self, job: ReadingJob, outcome: Any) -> None:
        outcome.queue_ms = 1000 * ((job.started or job.received) - job.received)
        outcome.padding = job.padding

    def _fail(self, request_id: int, error: Exception) -> None:
        del self._jobs[request_id]
        self._batcher.remove(request_id)
        self._replies.fail(request_id, error)
