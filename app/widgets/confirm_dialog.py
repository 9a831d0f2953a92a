"""Asks before something is done that cannot be undone. The button says what it does; Escape keeps everything."""

from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.button import Button
from app.widgets.label import Label

WIDTH = 420


class ConfirmDialog(QDialog):
    """`accepted` tells that the person agreed; it frees itself at its end."""

    def __init__(self, question: str, consequence: str, action: str, keep: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(question)
        self.setFixedWidth(WIDTH)
        self.action_button = Button(action, "danger", "trash-2")
        self.keep_button = Button(keep, "secondary")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(8)
        column.addWidget(Label(question, size="title", weight="strong", wrap=True))
        column.addWidget(Label(consequence, "muted", "control", wrap=True))
        buttons = QHBoxLayout()
        buttons.setContentsMargins(0, 8, 0, 0)
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.keep_button)
        buttons.addWidget(self.action_button)
        column.addLayout(buttons)
        self.action_button.clicked.connect(self.accept)
        self.keep_button.clicked.connect(self.reject)
        self.finished.connect(self.deleteLater)
        self.keep_button.setFocus()
