"""The table of what lies on the disk: several rows may be chosen, Delete deletes them."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.models.stored import Column, Entry, StoredEntries
from app.widgets.table import Table
from app.widgets.table_delegate import TwoLineDelegate

WIDTHS = {Column.SIZE: 120, Column.WHEN: 148}
NARROW_WIDTHS = {Column.SIZE: 80, Column.WHEN: 128}
NARROW_BELOW = 440


class StorageTable(Table):
    """Keeps what is chosen while rows come and go.

    Signals:
        selection_changed: other rows are chosen.
        delete_wanted: the Delete key.
    """

    selection_changed = Signal()
    delete_wanted = Signal()

    def __init__(self, entries: StoredEntries, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setAccessibleName(self.tr("What lies on the disk"))
        self._entries = entries
        self._keys: set[str] = set()
        self.setSelectionMode(Table.SelectionMode.ExtendedSelection)
        self.show_rows(entries, TwoLineDelegate(self), {})
        self.horizontalHeader().setSortIndicator(Column.WHEN, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        entries.modelReset.connect(self._choose_again)

    def chosen(self) -> list[Entry]:
        """The entries whose rows are chosen."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [entry for row in rows if (entry := self._entries.at(row)) is not None]

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        self._keys = {entry.key for entry in self.chosen()}
        self.selection_changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.delete_wanted.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column, width in (NARROW_WIDTHS if self.width() < NARROW_BELOW else WIDTHS).items():
            self.setColumnWidth(column, width)

    def _choose_again(self) -> None:
        """Qt forgets the selection when rows are arranged anew."""
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for key in list(self._keys):
            if (row := self._entries.row_of(key)) >= 0:
                self.selectionModel().select(self._entries.index(row, 0), flags)
        self._keys = {entry.key for entry in self.chosen()}
        self.selection_changed.emit()
