"""A table of which one row is chosen, by its key, and whose rows may have a button each."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QItemSelection, QModelIndex, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from app.models.rows import ICON_ROLE, Rows
from app.widgets.row_button import row_button_area
from app.widgets.table import Table, Widths
from app.widgets.table_delegate import TableDelegate


class ChoiceTable(Table):
    """The chosen row stays chosen while rows come and go.

    Signals:
        key_chosen(str): another row.
        opened(str): Enter, or a double click beside a button.
        acted(str): the button of a row.
    """

    key_chosen = Signal(str)
    opened = Signal(str)
    acted = Signal(str)

    def __init__(
        self, rows: Rows[Any], delegate: type[TableDelegate], widths: Widths, parent: QWidget | None = None
    ) -> None:
        super().__init__("", parent)
        self._rows, self._chosen = rows, ""
        self.show_rows(rows, delegate(self), widths)
        rows.modelReset.connect(self._mark)
        self.doubleClicked.connect(self._on_double_click)

    def choose(self, key: str) -> None:
        """Mark this row, now or as soon as it is there."""
        self._chosen = key
        self._mark()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        cells = selected.indexes()
        key = self._rows.key_at(cells[0].row()) if cells else ""
        if key and key != self._chosen:
            self._chosen = key
            self.key_chosen.emit(key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and self._is_on_button(index, event.position()):
            self.acted.emit(self._rows.key_at(index.row()))

    def _is_on_button(self, index: QModelIndex, at: QPointF) -> bool:
        icon = index.data(ICON_ROLE)
        cell = QRectF(self.visualRect(index))
        return icon is not None and row_button_area(cell, str(index.data()), bool(icon)).contains(at)

    def _on_double_click(self, index: QModelIndex) -> None:
        if index.data(ICON_ROLE) is None:
            self._open(index)

    def _open(self, index: QModelIndex) -> None:
        if key := self._rows.key_at(index.row()):
            self.opened.emit(key)

    def _mark(self) -> None:
        row = self._rows.row_of(self._chosen)
        if row >= 0:
            self.selectRow(row)
