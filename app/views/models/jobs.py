"""The latest job of each model, as the service tells them; imports and exports are transfers.py's. Starts and cancels nothing."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app import operations
from app.session import Session
from app.transfers import KINDS
from sidecar.types import JobInfo

RUNNING = ("queued", "running")


class ModelJobs(QObject):
    """Follows the events; asks for all of them whenever a service has been found.

    Signals:
        changed(JobInfo): a job began, went on or ended.
        listed(): after asking, which ones there are is known again.
    """

    changed = Signal(object)
    listed = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._latest: dict[str, JobInfo] = {}
        self._url = ""
        session.job_changed.connect(self._take)
        session.state_changed.connect(lambda _state: self._look())
        self._look()

    def of(self, model_id: str) -> JobInfo | None:
        """The model's latest job, whether it runs or has ended."""
        return self._latest.get(model_id)

    def running(self) -> dict[str, JobInfo]:
        """Those that have not ended, by model."""
        return {model: job for model, job in self._latest.items() if job.state in RUNNING}

    def _take(self, job: JobInfo) -> None:
        if job.kind in KINDS:
            return
        self._latest[job.model] = job
        self.changed.emit(job)

    def _look(self) -> None:
        """Another service knows other jobs; while there is none, none runs."""
        client = self._session.process.client
        if (client.url if client else "") == self._url:
            return
        self._url = client.url if client else ""
        self._keep([])
        if client is not None:
            operations.run(self, client.jobs(), on_success=self._keep, on_failure=lambda _error: None)

    def _keep(self, jobs: list[JobInfo]) -> None:
        self._latest = {job.model: job for job in jobs if job.kind not in KINDS}
        self.listed.emit()
