"""Facts one under the other: what is meant at the left, what it is at the right."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from app.widgets.label import Label

TITLE_WIDTH = 104


class FactList(QWidget):
    """Keeps the order in which facts were first set; an empty value hides its line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: dict[str, tuple[Label, Label]] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(7)
        self._grid.setColumnMinimumWidth(0, TITLE_WIDTH)
        self._grid.setColumnStretch(1, 1)

    def set(self, title: str, value: str, tip: str = "") -> None:
        """Show `value` under this title."""
        if title not in self._lines:
            self._add(title)
        for label in self._lines[title]:
            label.setVisible(bool(value))
        self._lines[title][1].setText(value)
        self._lines[title][1].setToolTip(tip)

    def value(self, title: str) -> str:
        """What is shown under a title; empty where nothing is."""
        return self._lines[title][1].text() if title in self._lines else ""

    def _add(self, title: str) -> None:
        row = self._grid.rowCount()
        heading = Label(title, "muted", "small")
        value = Label(size="small", weight="medium", tabular=True, wrap=True, selectable=True)
        value.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # to be marked and copied; Tab goes on to what can be done
        self._grid.addWidget(heading, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, row, 1)
        self._lines[title] = (heading, value)
