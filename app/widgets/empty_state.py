"""What a view shows when there is nothing to show: an icon, what this place is for, and the first step."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.icon_label import IconLabel
from app.widgets.label import Label

TEXT_WIDTH = 420


class EmptyState(QWidget):
    """A centred icon, title and text; `add_action` puts buttons below."""

    def __init__(self, icon: str, title: str, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(IconLabel(icon, "accent", 32), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        heading = Label(title, size="title", weight="strong")
        column.addWidget(heading, 0, Qt.AlignmentFlag.AlignHCenter)
        self._text = _wrapped(text)
        column.addWidget(self._text, 0, Qt.AlignmentFlag.AlignHCenter)
        self._text.setVisible(bool(text))
        self._actions = QHBoxLayout()
        self._actions.setSpacing(8)
        self._actions.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        column.addLayout(self._actions)
        column.addStretch(3)

    def set_words(self, text: str) -> None:
        """Say something else under the title."""
        self._text.setText(text)
        self._text.setMinimumHeight(self._text.heightForWidth(TEXT_WIDTH))
        self._text.setVisible(bool(text))

    def add_action(self, button: QAbstractButton) -> None:
        """Put a button below the text."""
        self._actions.addWidget(button)


def _wrapped(text: str) -> Label:
    label = Label(text, "muted", wrap=True)
    label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    label.setFixedWidth(TEXT_WIDTH)
    label.setMinimumHeight(label.heightForWidth(TEXT_WIDTH))  # a centred item's layout asks only for one line
    return label
