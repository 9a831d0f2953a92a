"""Asks before a link from an answer is opened, showing where it really leads."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.button import Button
from app.widgets.label import Label

WIDTH = 460


class LinkDialog(QDialog):
    """Shows the whole target; only "Open in browser" opens it, in the system's browser."""

    def __init__(self, target: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Open this link?"))
        self.setFixedWidth(WIDTH)
        self._target = target
        self.open_button = Button(self.tr("Open in browser"), "primary", "external-link")
        self.copy_button = Button(self.tr("Copy address"), "secondary", "copy")
        cancel = Button(self.tr("Cancel"), "ghost")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.setSpacing(8)
        column.addWidget(Label(self.tr("Open this link?"), size="title", weight="strong"))
        column.addWidget(Label(self.tr("It was written by a model and leads to:"), "muted", "control", wrap=True))
        address = Label(_breakable(target), mono=True, size="small", wrap=True, selectable=True)
        address.setAccessibleName(target)
        column.addWidget(address)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(0, 8, 0, 0)
        for button in (self.open_button, self.copy_button, cancel):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        self.open_button.clicked.connect(self._open)
        self.copy_button.clicked.connect(self._copy)
        cancel.clicked.connect(self.reject)
        cancel.setFocus()

    def _open(self) -> None:
        self.accept()
        QDesktopServices.openUrl(QUrl(self._target))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._target)
        self.reject()


def _breakable(address: str, width: int = 48) -> str:
    """Break a long address into lines: a label only wraps at spaces."""
    return "\n".join(address[start : start + width] for start in range(0, len(address), width))
