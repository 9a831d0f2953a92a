"""What lies on the disk as a table: models, or what is in the trash. Knows no service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QObject, Qt

from app.figures import file_size
from app.models.rows import NOTE_ROLE, Index, Rows


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


class StoredEntries(Rows[Entry]):
    """One row an entry, those of the oldest moment first unless another column is sorted by."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(Column, lambda entry: entry.key, parent)
        self._when = ""
        self._column, self._descending = Column.WHEN, False

    def set_entries(self, entries: Sequence[Entry], when: str) -> None:
        """Show these; `when` names the last column."""
        self._when = when
        self._arrange(entries)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column, self._descending = Column(column), order == Qt.SortOrder.DescendingOrder
        self._arrange(self._shown)

    def _titles(self) -> Sequence[str]:
        return (self.tr("Model"), self.tr("Size"), self._when)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry, column = self._shown[index.row()], Column(index.column())
        text, note = _cell(entry, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == NOTE_ROLE:
            return note
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (text, note)))
        return entry.key if role == Qt.ItemDataRole.ToolTipRole and column == Column.MODEL else None

    def _arrange(self, entries: Sequence[Entry]) -> None:
        found = sorted(entries, key=KEYS[Column.MODEL])  # type: ignore[arg-type]
        found.sort(key=KEYS[self._column], reverse=self._descending)  # type: ignore[arg-type]
        self._show(found)
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(Column) - 1)


def _cell(entry: Entry, column: Column) -> tuple[str, str]:
    match column:
        case Column.MODEL:
            return entry.title, entry.note
        case Column.SIZE:
            return file_size(entry.size), entry.size_note
        case Column.WHEN:
            return entry.when, entry.when_note
