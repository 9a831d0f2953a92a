"""A line edit for searching: magnifier, clear button, Escape clears."""

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.theme import theme

ICON = 16
ICON_LEFT = 11
TEXT_INDENT = 20


class SearchField(QLineEdit):
    """Emits `textChanged` like any line edit.

    Signals:
        moved(int): Up (-1) or Down (+1) was pressed, for a list of results below.
    """

    moved = Signal(int)

    def __init__(self, placeholder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setFont(theme.font("control"))
        self.setTextMargins(TEXT_INDENT, 0, 0, 0)
        self._magnifier = theme.icon("search", "faint")  # painted here: a leading action stands too far from the text
        self._clear = QAction(theme.icon("x", "muted"), self.tr("Clear"), self)
        self._clear.triggered.connect(self.clear)
        self.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
        self._clear.setVisible(False)
        self.textChanged.connect(lambda text: self._clear.setVisible(bool(text)))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self._magnifier.paint(QPainter(self), QRect(ICON_LEFT, (self.height() - ICON) // 2, ICON, ICON))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(1 if event.key() == Qt.Key.Key_Down else -1)
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)
