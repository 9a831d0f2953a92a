"""What lies on the disk as a table: models, or what is in the trash. Knows no service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.figures import file_size

Index = QModelIndex | QPersistentModelIndex
NOTE_ROLE = Qt.ItemDataRole.UserRole + 1  # what stands under a cell's text, in smaller letters
_NONE = QModelIndex()


@dataclass(frozen=True)
class Entry:
    """A row. `size`: its bytes, of which deleting it `frees` so many.

    `moment`: when it was used or removed last, in Unix seconds, and `when` as words. `kept`: why it cannot be deleted;
    empty where it can.
    """

    key: str
    title: str
    note: str
    size: int
    frees: int
    size_note: str
    moment: float
    when: str
    when_note: str = ""
    kept: str = ""


class Column(IntEnum):
    MODEL = 0
    SIZE = 1
    WHEN = 2


KEYS: dict[Column, Callable[[Entry], object]] = {
    Column.MODEL: lambda entry: entry.title.casefold(),
    Column.SIZE: lambda entry: -entry.size,
    Column.WHEN: lambda entry: (bool(entry.kept), entry.moment),
}


class StoredEntries(QAbstractTableModel):
    """One row an entry, those of the oldest moment first unless another column is sorted by."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[Entry] = []
        self._when = ""
        self._column, self._descending = Column.WHEN, False

    def set_entries(self, entries: Sequence[Entry], when: str) -> None:
        """Show these; `when` names the last column."""
        self._when = when
        self._arrange(list(entries))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column, self._descending = Column(column), order == Qt.SortOrder.DescendingOrder
        self._arrange(list(self._entries))

    def entry(self, row: int) -> Entry | None:
        """None beyond the last."""
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def row_of(self, key: str) -> int:
        """Where an entry stands, -1 when it is not shown."""
        return next((row for row, entry in enumerate(self._entries) if entry.key == key), -1)

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return (self.tr("Model"), self.tr("Size"), self._when)[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry, column = self._entries[index.row()], Column(index.column())
        text, note = _cell(entry, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == NOTE_ROLE:
            return note
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (text, note)))
        return entry.key if role == Qt.ItemDataRole.ToolTipRole and column == Column.MODEL else None

    def _arrange(self, entries: list[Entry]) -> None:
        entries.sort(key=KEYS[Column.MODEL])  # type: ignore[arg-type]
        entries.sort(key=KEYS[self._column], reverse=self._descending)  # type: ignore[arg-type]
        same = [entry.key for entry in entries] == [entry.key for entry in self._entries]
        if not same:
            self.beginResetModel()
        self._entries = entries
        if not same:
            self.endResetModel()
        elif entries:
            self.dataChanged.emit(self.index(0, 0), self.index(len(entries) - 1, len(Column) - 1))
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)


def _cell(entry: Entry, column: Column) -> tuple[str, str]:
    match column:
        case Column.MODEL:
            return entry.title, entry.note
        case Column.SIZE:
            return file_size(entry.size), entry.size_note
        case Column.WHEN:
            return entry.when, entry.when_note
