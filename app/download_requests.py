"""What the person wants of downloads, as requests to the service; it tells by its events what became of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app import operations
from app.download_words import name
from app.session import Session
from sidecar.types import DownloadInfo, DownloadRequest

if TYPE_CHECKING:
    from sidecar.client import Client

Ask = Callable[["Client"], Coroutine[Any, Any, Any]]


class DownloadRequests(QObject):
    """Failures become banners, as everywhere.

    Signals:
        said(str, object): a passing message, and how to undo what it tells of, or None.
        started(str): the job of a download that was put in line.
    """

    said = Signal(str, object)
    started = Signal(str)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session

    def start(self, request: DownloadRequest) -> None:
        self._run(lambda client: client.download(request), lambda job: self.started.emit(job.job_id))

    def pause(self, info: DownloadInfo) -> None:
        self._run(lambda client: client.pause_download(info.job_id))

    def resume(self, info: DownloadInfo) -> None:
        self._run(lambda client: client.resume_download(info.job_id))

    def retry(self, info: DownloadInfo) -> None:
        self._run(lambda client: client.retry_download(info.job_id))

    def cancel(self, info: DownloadInfo) -> None:
        """With a way back: it begins anew."""
        words = _tr("{0} was cancelled").format(name(info))
        self._run(
            lambda client: client.cancel_download(info.job_id),
            lambda _info: self.said.emit(words, lambda: self.retry(info)),
        )

    def put_first(self, info: DownloadInfo, others: list[DownloadInfo]) -> None:
        """Before all `others` that wait."""
        highest = max((other.priority for other in others), default=0)
        self._run(lambda client: client.prioritise_download(info.job_id, min(100, highest + 1)))

    def forget(self, info: DownloadInfo) -> None:
        """Take one that has ended off the list."""
        self._run(
            lambda client: client.forget_download(info.job_id),
            lambda _info: self._session.downloads.take_off(info.job_id),
        )

    def verify(self, info: DownloadInfo, busy: Callable[[bool], object] | None = None) -> None:
        self._run(
            lambda client: client.verify_download(info.job_id),
            lambda answer: self.said.emit(answer.message or _tr("Every file of {0} is whole").format(name(info)), None),
            busy,
        )

    def _run(
        self,
        ask: Ask,
        on_success: Callable[[Any], object] | None = None,
        busy: Callable[[bool], object] | None = None,
    ) -> None:
        operations.run(self, self._asked(ask), on_success=on_success, busy=busy)

    async def _asked(self, ask: Ask) -> Any:
        return await ask(self._session.client)  # here, so that a service that is gone becomes a banner, too


def _tr(text: str) -> str:
    return QCoreApplication.translate("Downloads", text)
