"""The field for one text, or for several lines: plain text only; files and very long pastes are handed on."""

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.theme import theme

MAX_CHARACTERS = 100_000  # beyond this a text widget becomes slow; no classifier reads so much of one text
SUBMIT_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class TextEditor(QPlainTextEdit):
    """A frameless editor.

    Signals:
        submitted: Ctrl+Enter was pressed.
        files_dropped(list): paths of local files that were dropped or pasted.
        long_pasted(str): a text longer than MAX_CHARACTERS was pasted or dropped; it is not in the editor.
    """

    submitted = Signal()
    files_dropped = Signal(list)
    long_pasted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("frameless", True)
        self.setFont(theme.font("base"))
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(0)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if event.key() in SUBMIT_KEYS and control:
            self.submitted.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return bool(local_files(source)) or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:
        files = local_files(source)
        if files:
            self.files_dropped.emit(files)
        elif len(source.text()) > MAX_CHARACTERS:
            self.long_pasted.emit(source.text())
        else:
            super().insertFromMimeData(source)


def local_files(source: QMimeData) -> list[str]:
    """The paths among what is dragged or pasted that lie on this machine."""
    return [url.toLocalFile() for url in source.urls() if url.isLocalFile()]
