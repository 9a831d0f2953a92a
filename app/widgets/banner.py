"""A message that stays until it is dealt with: what happened, why, what to do; technical details one click away."""

from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.button import Button
from app.widgets.icon_button import IconButton
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label

BannerKind = Literal["info", "ok", "warning", "bad"]

ICONS = {
    "info": ("info", "muted"),
    "ok": ("circle-check", "ok_text"),
    "warning": ("triangle-alert", "warning_text"),
    "bad": ("circle-alert", "bad_text"),
}
DETAILS_HEIGHT = 120


class Banner(QFrame):
    """An icon, a title, a text, optional details and buttons.

    Signals:
        closed: the person closed it; it is hidden already.
    """

    closed = Signal()

    def __init__(
        self,
        kind: BannerKind,
        title: str,
        text: str = "",
        details: str = "",
        *,
        closable: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("banner", kind)
        self._icon = IconLabel(*ICONS[kind], 18)
        self._title = Label(title, weight="strong", wrap=True, selectable=True)
        self._text = Label(text, "text", "control", wrap=True, selectable=True)
        self._details = _details_box(self.tr("Details"))
        self._toggle = Button(self.tr("Show details"), "link")
        self._close = IconButton("x", self.tr("Close"), size=28, icon_size=14)
        self._actions = QHBoxLayout()
        self._lay_out()
        self._toggle.clicked.connect(self._toggle_details)
        self._close.clicked.connect(self._on_close)
        self._close.setVisible(closable)
        self.set_message(title, text, details)

    def set_message(self, title: str, text: str = "", details: str = "") -> None:
        """Say something else in the same tone."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._details.setPlainText(details)
        self._details.hide()
        self._toggle.setText(self.tr("Show details"))
        self._toggle.setVisible(bool(details))
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)

    def add_action(self, button: QAbstractButton) -> None:
        """Put a button below the text."""
        self._actions.insertWidget(self._actions.count() - 2, button)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 12, 10, 12)
        row.setSpacing(12)
        column = QVBoxLayout()
        column.setSpacing(4)
        for widget in (self._title, self._text):
            column.addWidget(widget)
        self._actions.setSpacing(8)
        self._actions.setContentsMargins(0, 4, 0, 0)
        self._actions.addWidget(self._toggle)
        self._actions.addStretch(1)
        column.addLayout(self._actions)
        column.addWidget(self._details)
        column.addStretch(1)
        side = QVBoxLayout()
        side.addWidget(self._icon)
        side.addStretch(1)
        corner = QVBoxLayout()
        corner.addWidget(self._close)
        corner.addStretch(1)
        row.addLayout(side)
        row.addLayout(column, 1)
        row.addLayout(corner)

    def _toggle_details(self) -> None:
        shown = self._details.isHidden()
        self._details.setVisible(shown)
        self._toggle.setText(self.tr("Hide details") if shown else self.tr("Show details"))

    def _on_close(self) -> None:
        self.hide()
        self.closed.emit()


def _details_box(name: str) -> QPlainTextEdit:
    box = QPlainTextEdit()
    box.setAccessibleName(name)
    box.setReadOnly(True)
    box.setTabChangesFocus(True)
    box.setFont(theme.font("small", mono=True))
    box.setFixedHeight(DETAILS_HEIGHT)
    return box
