"""A line that says what is missing without a network: it cannot be reached, or the offline switch is on; and what to do."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.widgets.button import Button
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label


class NetworkNotice(QFrame):
    """Hidden while there is nothing to say.

    Signals:
        retry_wanted: ask the hub again.
        online_wanted: turn the offline switch off.
    """

    retry_wanted = Signal()
    online_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("banner", "info")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.words = Label(size="control", wrap=True)
        self.retry_button = Button(self.tr("Try again"), "secondary", "refresh-cw", compact=True)
        self.online_button = Button(self.tr("Go online"), "secondary", compact=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 10, 8)
        row.setSpacing(12)
        row.addWidget(IconLabel("wifi-off", "muted", 16))
        row.addWidget(self.words, 1)
        row.addWidget(self.online_button)
        row.addWidget(self.retry_button)
        self.retry_button.clicked.connect(self.retry_wanted)
        self.online_button.clicked.connect(self.online_wanted)
        self.hide()

    def show_notice(self, words: str, *, offline: bool) -> None:
        """`offline`: the switch is on, so that trying again would not help."""
        self.words.setText(words)
        self.setAccessibleName(words)
        self.online_button.setVisible(offline)
        self.retry_button.setVisible(not offline)
        self.setVisible(bool(words))
