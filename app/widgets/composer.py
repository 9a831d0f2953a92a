"""The field one writes a message in: it grows with its text; Enter sends, Shift+Enter breaks the line."""

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.theme import theme

MAX_LINES = 10
DOCUMENT_MARGIN = 4


class Composer(QPlainTextEdit):
    """A frameless text field between one and MAX_LINES lines high; what is pasted becomes plain text.

    Signals:
        submitted: Enter was pressed; read `toPlainText()` and clear.
        files_dropped(list): paths of local files that were dropped or pasted.
        image_pasted(QImage): a picture without text was dropped or pasted.
    """

    submitted = Signal()
    files_dropped = Signal(list)
    image_pasted = Signal(QImage)

    def __init__(self, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("frameless", True)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setFont(theme.font("base"))
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(DOCUMENT_MARGIN)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._grow()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.insertPlainText("\n")
        else:
            self.submitted.emit()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return self.takes(source) or super().canInsertFromMimeData(source)

    def takes(self, source: QMimeData) -> bool:
        """Whether files or a picture are in it. A table's cells come as text and as a picture: they are text."""
        return bool(_local_files(source)) or (source.hasImage() and not source.hasText())

    def insertFromMimeData(self, source: QMimeData) -> None:
        files = _local_files(source)
        if files:
            self.files_dropped.emit(files)
        elif self.takes(source):
            self.image_pasted.emit(QImage(source.imageData()))
        else:
            super().insertFromMimeData(source)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def _grow(self) -> None:
        lines = round(self.document().documentLayout().documentSize().height())  # this layout counts in lines
        shown = min(MAX_LINES, max(1, lines))
        height = shown * self.fontMetrics().lineSpacing() + 2 * DOCUMENT_MARGIN
        if self.height() != height:
            self.setFixedHeight(height)
        wanted = Qt.ScrollBarPolicy.ScrollBarAsNeeded if lines > MAX_LINES else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(wanted)


def _local_files(source: QMimeData) -> list[str]:
    return [url.toLocalFile() for url in source.urls() if url.isLocalFile()]
