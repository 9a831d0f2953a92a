"""Files that are dragged over the window as the platform tells of them: to its native window, which finds the widget."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

E = TypeVar("E", bound=QEvent)
BUTTON, KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
OFFERED = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction


class Drag:
    """Some files on their way over `window`, at the middle of `widget`."""

    def __init__(self, window: QWidget, paths: Sequence[Path], widget: QWidget | None = None) -> None:
        self._target: QObject = window.windowHandle()
        self.data = QMimeData()
        self.data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        over = widget or window
        self._where: QPoint = over.mapTo(window, over.rect().center())

    def enter(self) -> QDragEnterEvent:
        """Come into the window. The file manager would rather move the files."""
        event = QDragEnterEvent(self._where, OFFERED, self.data, BUTTON, KEYS)
        event.setDropAction(Qt.DropAction.MoveAction)
        return self._sent(event)

    def move(self) -> QDragMoveEvent:
        """Move within it."""
        return self._sent(QDragMoveEvent(self._where, OFFERED, self.data, BUTTON, KEYS))

    def leave(self) -> None:
        """Leave it."""
        self._sent(QDragLeaveEvent())

    def drop(self) -> QDropEvent:
        """Let go, if what is below wants it."""
        self.enter()
        self.move()
        return self._sent(QDropEvent(QPointF(self._where), OFFERED, self.data, BUTTON, KEYS))

    def _sent(self, event: E) -> E:
        QApplication.sendEvent(self._target, event)
        return event
