"""The downloads as the service tells them, one latest copy for the whole window. Starts and steers none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app import operations
from sidecar.types import DownloadInfo

if TYPE_CHECKING:
    from app.session import Session

RUNNING = ("queued", "checking", "downloading", "verifying")
UNFINISHED = (*RUNNING, "paused")


class Downloads(QObject):
    """Follows the events; asks for all of them whenever the service is followed anew.

    Signals:
        changed(DownloadInfo): one began, went on or ended.
        listed(): which ones there are is known anew.
        arrived(DownloadInfo): its model is here and among the session's models, since a moment ago.
        failed(DownloadInfo): it has just come to its end without one.
    """

    changed = Signal(object)
    listed = Signal()
    arrived = Signal(object)
    failed = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._known: dict[str, DownloadInfo] = {}
        self._arriving: list[DownloadInfo] = []
        self._heard_since: set[str] = set()  # of which an event came after the last look was asked for
        self._look: operations.Operation[list[DownloadInfo]] | None = None
        session.download_changed.connect(self._take)
        session.heard_again.connect(self.refresh)
        session.models_changed.connect(self._announce)

    def all(self) -> list[DownloadInfo]:
        """The newest first."""
        return sorted(self._known.values(), key=lambda info: -info.created_at)

    def get(self, job_id: str) -> DownloadInfo | None:
        """The download of that id, if there is one."""
        return self._known.get(job_id)

    def of(self, repository: str) -> DownloadInfo | None:
        """The repository's download: the one under way, else the latest."""
        found = [info for info in self.all() if info.model == repository]
        return next((info for info in found if info.state in UNFINISHED), found[0] if found else None)

    def running(self) -> list[DownloadInfo]:
        """Those that are under way or wait for their turn."""
        return [info for info in self._known.values() if info.state in RUNNING]

    def refresh(self) -> None:
        """Ask which there are."""
        client = self._session.process.client
        if client is None:
            return
        if self._look is not None:
            self._look.cancel()
        self._heard_since.clear()
        self._look = operations.run(self, client.downloads(), on_success=self._keep, on_failure=lambda _error: None)

    def take_off(self, job_id: str) -> None:
        """It was taken off the service's list."""
        if self._known.pop(job_id, None) is None:
            return
        self.listed.emit()
        if self._look is not None and self._look.running:
            self.refresh()  # the answer that is on its way may still name it

    def _keep(self, found: list[DownloadInfo]) -> None:
        before = self._known
        newer = {job_id: before[job_id] for job_id in self._heard_since if job_id in before}
        self._known = {info.job_id: info for info in found} | newer
        for info in found:
            if info.job_id in newer:
                continue
            self._notice(before.get(info.job_id), info)
        self.listed.emit()

    def _take(self, info: DownloadInfo) -> None:
        before = self._known.get(info.job_id)
        self._known[info.job_id] = info
        self._heard_since.add(info.job_id)
        self.changed.emit(info)
        self._notice(before, info)

    def _notice(self, before: DownloadInfo | None, now: DownloadInfo) -> None:
        """Only what was seen under way has come to an end just now."""
        if before is None or before.state not in UNFINISHED:
            return
        if now.state == "done":
            self._arriving.append(now)
            self._announce()
        elif now.state == "failed":
            self.failed.emit(now)

    def _announce(self) -> None:
        """A model is told of once it can be used: the list of models comes a moment after the event."""
        ready = [info for info in self._arriving if self._session.model(info.model_id or "") is not None]
        self._arriving = [info for info in self._arriving if info not in ready]
        for info in ready:
            self.arrived.emit(info)
