"""Generation requests whose answers are computed whole, in batches: the text comes in one piece with the end."""

from __future__ import annotations

from sidecar.runtime.protocol import Generated
from sidecar.worker.reading import Reading, ReadingJob


class Composing(Reading):
    """The generation requests to an engine that decodes by itself."""

    def _finish(self, job: ReadingJob) -> None:
        row = job.rows[0]
        self._replies.delta(job.request.id, row.text, row.tokens)
        super()._finish(job)

    def _timed(self, job: ReadingJob, outcome: Generated) -> None:
        super()._timed(job, outcome)
        outcome.decode_ms = 1000 * (self._clock() - (job.started or job.received))
