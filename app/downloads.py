"""The downloads as the service tells them, one latest copy for the whole window. Starts and steers none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.followed import Followed
from sidecar.types import DownloadInfo

if TYPE_CHECKING:
    from app.session import Session

RUNNING = ("queued", "checking", "downloading", "verifying")
UNFINISHED = (*RUNNING, "paused")


class Downloads(Followed[DownloadInfo]):
    """By their jobs."""

    unfinished = UNFINISHED

    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            ask=lambda client: client.downloads(),
            key=lambda info: info.job_id,
            brings=lambda info: [info.model_id or ""],
        )
        session.download_changed.connect(self._take)

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

    def take_off(self, job_id: str) -> None:
        """It was taken off the service's list."""
        if self._known.pop(job_id, None) is None:
            return
        self.listed.emit()
        if self._look is not None and self._look.running:
            self.refresh()  # the answer that is on its way may still name it
