"""Imports, exports and files from addresses as the service tells them, one latest copy for the whole window. Starts none.

Downloads from the hub are downloads.py's.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app import operations
from sidecar.types import JobInfo

if TYPE_CHECKING:
    from app.session import Session

KINDS = ("import", "fetch", "export")
RUNNING = ("queued", "running")


class Transfers(QObject):
    """Follows the events; asks for all of them whenever the service is followed anew.

    Signals:
        changed(): which ones there are, or how far one is.
        arrived(JobInfo): what it brought is among the session's models, since a moment ago.
        exported(JobInfo): its file has just been written.
        failed(JobInfo): it has just come to its end without that.
    """

    changed = Signal()
    arrived = Signal(object)
    exported = Signal(object)
    failed = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._known: dict[str, JobInfo] = {}
        self._arriving: list[JobInfo] = []
        self._dismissed: set[str] = set()
        self._heard_since: set[str] = set()  # of which an event came after the last look was asked for
        self._look: operations.Operation[list[JobInfo]] | None = None
        session.job_changed.connect(self._take)
        session.heard_again.connect(self.refresh)
        session.models_changed.connect(self._announce)

    def running(self) -> list[JobInfo]:
        """Those that are under way or wait for their turn, the oldest first."""
        return [job for job in self._known.values() if job.state in RUNNING]

    def failed_ones(self) -> list[JobInfo]:
        """Those that failed and were not dismissed."""
        return [job for job in self._known.values() if job.state == "failed" and job.id not in self._dismissed]

    def dismiss(self, job_id: str) -> None:
        """The person has read why it failed."""
        self._dismissed.add(job_id)
        self.changed.emit()

    def refresh(self) -> None:
        """Ask which there are."""
        client = self._session.process.client
        if client is None:
            return
        if self._look is not None:
            self._look.cancel()
        self._heard_since.clear()
        self._look = operations.run(self, client.jobs(), on_success=self._keep, on_failure=lambda _error: None)

    def _keep(self, found: list[JobInfo]) -> None:
        """An answer never overwrites an event that came after its question."""
        before = self._known
        heard = {job_id: before[job_id] for job_id in self._heard_since if job_id in before}
        told = {job.id: job for job in found if job.kind in KINDS}
        lost = {job.id: _lost(job) for job in self.running() if job.id not in told and job.id not in heard}
        self._known = told | lost | heard
        for job_id, job in (told | lost).items():
            if job_id not in heard:
                self._notice(before.get(job_id), job)
        self.changed.emit()

    def _take(self, job: JobInfo) -> None:
        if job.kind not in KINDS:
            return
        before = self._known.get(job.id)
        self._known[job.id] = job
        self._heard_since.add(job.id)
        self.changed.emit()
        self._notice(before, job)

    def _notice(self, before: JobInfo | None, now: JobInfo) -> None:
        """Only what was seen under way has come to an end just now."""
        if before is None or before.state not in RUNNING:
            return
        if now.state == "failed":
            self.failed.emit(now)
        elif now.state == "done" and now.kind == "export":
            self.exported.emit(now)
        elif now.state == "done":
            self._arriving.append(now)
            self._announce()

    def _announce(self) -> None:
        """A model is told of once it can be used: the list of models comes a moment after the event."""
        ready = [job for job in self._arriving if all(self._session.model(name) for name in job.models)]
        self._arriving = [job for job in self._arriving if job not in ready]
        for job in ready:
            self.arrived.emit(job)


def _lost(job: JobInfo) -> JobInfo:
    """A job of a service that has ended: the next one knows nothing of it."""
    lost = copy.copy(job)
    lost.state, lost.finished_at = "failed", time.time()
    lost.message = "The service ended before it was done. Nothing of it is left behind; begin it again."
    return lost
