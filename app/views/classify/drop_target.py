"""Files dragged over a widget: says what dropping them would do, and takes the first that can be read."""

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from app.models.text_files import SUFFIXES
from app.views.classify.text_editor import local_files
from app.widgets.drop_veil import DropVeil


class DropTarget(DropVeil):
    """A veil over `host` while a usable file is over it.

    Signals:
        dropped(str): the path of the file.
    """

    dropped = Signal(str)

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        host.setAcceptDrops(True)
        host.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            self._drop(event)
            return True
        if isinstance(event, QDragEnterEvent):
            self._enter(event)
            return True
        if event.type() == QEvent.Type.DragLeave:
            self.hide()
        return False

    def _enter(self, event: QDragEnterEvent) -> None:
        path = _usable(local_files(event.mimeData()))
        if path is None:
            event.ignore()
            return
        event.acceptProposedAction()
        self.lift(self.tr("Drop to open {0}").format(path.name))

    def _drop(self, event: QDropEvent) -> None:
        self.hide()
        path = _usable(local_files(event.mimeData()))
        if path is not None:
            event.acceptProposedAction()
            self.dropped.emit(str(path))


def _usable(paths: list[str]) -> Path | None:
    candidates = (Path(path) for path in paths)
    return next((path for path in candidates if path.suffix.lower() in SUFFIXES), None)
