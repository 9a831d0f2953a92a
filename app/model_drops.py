"""Models that are dragged onto the window, wherever over it: they are taken before any field below sees them.

What is no model goes on to the views; what none of them takes is answered with what can be dropped. Whether a path is a
model is judged by its name alone, and whether it is a folder: the service looks into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.widgets.drop_veil import DropVeil

SUFFIXES = (".gguf", ".inglenook")
PART_OF_FOLDER = ".safetensors"  # nothing without the files beside it
MOST = 50  # paths that are looked at: an event loop must not wait for a disk


class ModelDrops(QObject):
    """Watches the window and what the platform tells it of drags.

    Signals:
        dropped(list): paths that may be models.
        refused(str): something else was dropped where nothing takes it, and what could be.
    """

    dropped = Signal(list)
    refused = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._watched: QObject | None = None
        self._over: list[str] = []
        self.veil = DropVeil(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.Show | QEvent.Type.WinIdChange if watched is self._window:
                self._watch_platform()
            case QEvent.Type.DragEnter:
                return self._enter(watched, event)  # type: ignore[arg-type]
            case QEvent.Type.DragMove if self._over:
                return _accept(event)  # type: ignore[arg-type]
            case QEvent.Type.DragLeave if self._over:
                self._leave()
                return True
            case QEvent.Type.Drop:
                return self._drop(watched, event)  # type: ignore[arg-type]
        return False

    def _watch_platform(self) -> None:
        """The platform's window hears of a drag before any widget in it does."""
        handle = self._window.windowHandle()
        if handle is not None and handle is not self._watched:
            handle.installEventFilter(self)
            self._watched = handle

    def _enter(self, watched: QObject, event: QDragEnterEvent) -> bool:
        files = local_files(event.mimeData())
        if not files or event.source() is not None or QApplication.activeModalWidget() is not None:
            return False
        self._over = models_among(files)
        if self._over:
            names = ", ".join(Path(path).name for path in self._over[:3])
            self.veil.lift(_tr("Drop to import"), names + ("…" if len(self._over) > 3 else ""))
        if self._over or watched is self._window:  # no view has taken it
            return _accept(event)
        return False

    def _leave(self) -> None:
        self._over = []
        self.veil.hide()

    def _drop(self, watched: QObject, event: QDropEvent) -> bool:
        found = self._over
        self._leave()
        if found:
            self.dropped.emit(found)
        elif watched is self._window:
            self.refused.emit(_refusal(local_files(event.mimeData())))
        else:
            return False
        return _accept(event)


def local_files(data: QMimeData) -> list[str]:
    """The first paths on this machine in what is dragged."""
    return [url.toLocalFile() for url in data.urls()[:MOST] if url.isLocalFile()]


def models_among(paths: Sequence[str]) -> list[str]:
    """What may be a model: a GGUF file, a bundle, a folder; of weights that need the files beside them, their folder."""
    found = [place for path in paths if (place := _model_at(Path(path))) is not None]
    return list(dict.fromkeys(found))


def _model_at(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix == PART_OF_FOLDER:
        return str(path.parent)
    return str(path) if suffix in SUFFIXES or path.is_dir() else None


def _accept(event: QDropEvent | QDragMoveEvent) -> bool:
    """To copy: a file manager that is told of a move deletes the original."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()
    return True


def _refusal(paths: Sequence[str]) -> str:
    name = Path(paths[0]).name if paths else ""
    words = _tr("{0} is no model: drop a GGUF file, a bundle, or a model's folder")
    return words.format(name)


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelDrops", text)
