"""A titled card of settings rows with hairlines between them; search hides rows, and the card when none is left."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.settings.row import Row
from app.widgets.card import Card
from app.widgets.hairline import Hairline
from app.widgets.label import Label


class Section(QWidget):
    """Rows under a title."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._lines: list[Hairline] = []
        self._card = Card(padding=0)
        self._card.setAccessibleName(title)
        self._card.body.setSpacing(0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(Label(title, size="lead", weight="strong"))
        column.addWidget(self._card)

    def add(self, row: Row) -> None:
        """Put a row at the end."""
        line = Hairline()
        line.setVisible(bool(self.rows))
        self._lines.append(line)
        self._card.body.addWidget(line)
        self._card.body.addWidget(row)
        self.rows.append(row)

    def filter(self, query: str) -> int:
        """Show the rows that match and return how many."""
        found = 0
        for row, line in zip(self.rows, self._lines, strict=True):
            matches = row.matches(query)
            row.setVisible(matches)
            line.setVisible(matches and found > 0)
            found += matches
        self.setVisible(found > 0)
        return found
