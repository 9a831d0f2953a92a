"""What the person wants done with a model, as requests to the service; it tells by its events what became of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app import operations
from app.model_names import display_name
from app.session import Session
from sidecar.types import ExportRequest, ModelInfo, RemovedModel, UpdateRequest

if TYPE_CHECKING:
    from sidecar.client import Client

Ask = Callable[["Client"], Coroutine[Any, Any, Any]]


class ModelRequests(QObject):
    """Failures become banners, as everywhere.

    Signals:
        said(str, object): a passing message, and how to undo what it tells of, or None.
        settled(): a request ended, well or not: what is shown should be what the service says.
    """

    said = Signal(str, object)
    settled = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session

    def load(self, model: ModelInfo) -> None:
        self._run(lambda client: client.load(model.id))

    def unload(self, model: ModelInfo) -> None:
        """With a way back: loading may take long."""
        words = _tr("{0} left memory").format(display_name(model))
        self._run(
            lambda client: client.unload(model.id), lambda _status: self.said.emit(words, lambda: self.load(model))
        )

    def prepare(self, model: ModelInfo) -> None:
        self._run(lambda client: client.prepare(model.id))

    def export(self, model: ModelInfo, path: str) -> None:
        """Write it into one file."""
        self._run(lambda client: client.export(model.id, ExportRequest(path)))

    def cancel(self, job_id: str) -> None:
        self._run(lambda client: client.cancel_job(job_id))

    def update(self, model: ModelInfo, option: str, value: object) -> None:
        """Change one option."""
        request = UpdateRequest(**{option: value})  # type: ignore[arg-type]
        self._run(lambda client: client.update(model.id, request))

    def remove(self, model: ModelInfo) -> None:
        """To the trash, with a way back."""
        self._run(lambda client: client.remove(model.id), self._removed)

    def _removed(self, removed: RemovedModel) -> None:
        self.said.emit(removed.message, lambda: self._run(lambda client: client.restore(removed.trash_id)))

    def show_folder(self, model: ModelInfo) -> None:
        """Open it in the desktop's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(model.model_path))

    def _run(self, ask: Ask, on_success: Callable[[Any], object] | None = None) -> None:
        operations.run(self, self._asked(ask), on_success=on_success, on_finished=self.settled.emit)

    async def _asked(self, ask: Ask) -> Any:
        return await ask(self._session.client)  # here, so that a service that is gone becomes a banner, too


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelsView", text)
