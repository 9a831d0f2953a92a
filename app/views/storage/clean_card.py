"""What could go without anybody missing it, each with its size and a tick, and one button that deletes what is ticked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.figures import file_size
from app.theme import theme
from app.views.storage.words import Cleanable
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.label import Label


class CleanCard(Card):
    """Signals:
    clean_wanted(list): the Cleanables that are ticked.
    """

    clean_wanted = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Clean up"), padding=20, parent=parent)
        self.lines: dict[str, CleanLine] = {}
        self._found: list[Cleanable] = []
        self._nothing = Label(self.tr("There is nothing to clean up."), "muted", "small", wrap=True)
        self._column = QVBoxLayout()
        self._column.setSpacing(10)
        self.button = Button("", "danger", "trash-2")
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addStretch(1)
        self.body.addWidget(self._nothing)
        self.body.addLayout(self._column)
        self.body.addSpacing(4)
        self.body.addLayout(row)
        self.button.clicked.connect(lambda: self.clean_wanted.emit(self.ticked()))

    def show_found(self, found: Sequence[Cleanable]) -> None:
        """Show these; what was ticked stays so."""
        self._found = list(found)
        for one in found:
            if one.name not in self.lines:
                self._add(one.name)
            self.lines[one.name].show_found(one)
        names = {one.name for one in found}
        for name, line in self.lines.items():
            line.setVisible(name in names)
        self._nothing.setVisible(not found)
        self._sum()

    def ticked(self) -> list[Cleanable]:
        """What the button would delete."""
        return [one for one in self._found if self.lines[one.name].box.isChecked()]

    def _add(self, name: str) -> None:
        line = self.lines[name] = CleanLine()
        line.box.setChecked(name != "trash")  # what can still be brought back goes only when asked for
        line.box.toggled.connect(lambda _on: self._sum())
        self._column.addWidget(line)

    def _sum(self) -> None:
        count = sum(one.bytes for one in self.ticked())
        self.button.setVisible(bool(self._found))
        self.button.setEnabled(count > 0)
        self.button.setText(self.tr("Delete {0}").format(file_size(count)) if count else self.tr("Delete"))


class CleanLine(QWidget):
    """One thing that could go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QCheckBox()
        self.box.setFont(theme.font("control", "medium"))
        self._size = Label(size="control", tabular=True)
        self._note = Label(role="muted", size="small", wrap=True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        grid.addWidget(self.box, 0, 0)
        grid.addWidget(self._size, 0, 1)
        grid.addWidget(self._note, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        self._note.setIndent(26)

    def show_found(self, found: Cleanable) -> None:
        """Show what it is and how much."""
        self.box.setText(found.title)
        self.box.setAccessibleDescription(found.note)
        self._size.setText(file_size(found.bytes))
        self._note.setText(found.note)
