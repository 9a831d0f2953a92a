"""Imports, exports and files from addresses as the service tells them, one latest copy for the whole window. Starts none.

Downloads from the hub are downloads.py's.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from app.followed import Followed
from sidecar.types import JobInfo

if TYPE_CHECKING:
    from app.session import Session

KINDS = ("import", "fetch", "export")
RUNNING = ("queued", "running")


class Transfers(Followed[JobInfo]):
    """Signals:
    exported(JobInfo): its file has just been written.
    """

    exported = Signal(object)
    unfinished = RUNNING

    def __init__(self, session: Session) -> None:
        super().__init__(
            session, ask=lambda client: client.jobs(), key=lambda job: job.id, brings=lambda job: job.models
        )
        self._dismissed: set[str] = set()
        session.job_changed.connect(self._take)

    def running(self) -> list[JobInfo]:
        """Those that are under way or wait for their turn, the oldest first."""
        return [job for job in self._known.values() if job.state in RUNNING]

    def failed_ones(self) -> list[JobInfo]:
        """Those that failed and were not dismissed."""
        return [job for job in self._known.values() if job.state == "failed" and job.id not in self._dismissed]

    def dismiss(self, job_id: str) -> None:
        """The person has read why it failed."""
        self._dismissed.add(job_id)
        self.listed.emit()

    def _keep(self, found: list[JobInfo]) -> None:
        told = {job.id: job for job in found if job.kind in KINDS}
        lost = [_lost(job) for job in self.running() if job.id not in told and job.id not in self._heard_since]
        super()._keep([*told.values(), *lost])

    def _take(self, job: JobInfo) -> None:
        if job.kind in KINDS:
            super()._take(job)

    def _on_done(self, job: JobInfo) -> None:
        if job.kind == "export":
            self.exported.emit(job)
        else:
            super()._on_done(job)


def _lost(job: JobInfo) -> JobInfo:
    """A job of a service that has ended: the next one knows nothing of it."""
    lost = copy.copy(job)
    lost.state, lost.finished_at = "failed", time.time()
    lost.message = "The service ended before it was done. Nothing of it is left behind; begin it again."
    return lost
