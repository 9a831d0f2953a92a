"""The field in which a message already sent is written anew; Escape gives up, Enter sends."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.button import Button
from app.widgets.composer import Composer


class MessageEdit(QFrame):
    """Shows the old text, ready to be changed.

    Signals:
        submitted(str): the new text; never empty.
        cancelled: the old text stays.
    """

    submitted = Signal(str)
    cancelled = Signal()

    def __init__(self, text: str, send_words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "accent")
        self.field = Composer(self.tr("Message"))
        self.send_button = Button(send_words, "primary")
        self.cancel_button = Button(self.tr("Cancel"), "ghost")
        self._lay_out()
        self.field.setPlainText(text)
        self.field.moveCursor(self.field.textCursor().MoveOperation.End)
        self.setFocusProxy(self.field)
        self.field.submitted.connect(self._submit)
        self.field.textChanged.connect(self._update_send)
        self.send_button.clicked.connect(self._submit)
        self.cancel_button.clicked.connect(self.cancelled)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.send_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 10, 10)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addLayout(buttons)

    def _update_send(self) -> None:
        self.send_button.setEnabled(bool(self.field.toPlainText().strip()))

    def _submit(self) -> None:
        text = self.field.toPlainText().strip()
        if text:
            self.submitted.emit(text)
