"""What the models of tables have in common: one row an item, known by its key. Knows no service, and no item's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Item = TypeVar("Item")
Index = QModelIndex | QPersistentModelIndex
NOTE_ROLE = Qt.ItemDataRole.UserRole + 1  # what stands under a cell's text, in smaller letters
STANDING_ROLE = Qt.ItemDataRole.UserRole + 2  # a cell's badge, else None
ICON_ROLE = Qt.ItemDataRole.UserRole + 3  # of a cell that is a button, else None
OWN_ROLE = Qt.ItemDataRole.UserRole + 4  # the first of a model's own
_NONE = QModelIndex()


class Rows(QAbstractTableModel, Generic[Item]):
    """Subclasses arrange their items, `_show` them, and say what is in a cell (`data`)."""

    def __init__(self, columns: type[IntEnum], key: Callable[[Item], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns, self._key = columns, key
        self._shown: list[Item] = []
        self._rows: dict[str, int] = {}

    def at(self, row: int) -> Item | None:
        """The item of a row; None beyond the last."""
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def key_at(self, row: int) -> str:
        """The key of a row's item; empty beyond the last."""
        item = self.at(row)
        return "" if item is None else self._key(item)

    def row_of(self, key: str) -> int:
        """Where an item stands, -1 when it is not shown."""
        return self._rows.get(key, -1)

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if role != Qt.ItemDataRole.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return self._titles()[section]

    def _titles(self) -> Sequence[str]:
        """What the header says of each column: nothing where it is hidden."""
        return [""] * len(self._columns)

    def _show(self, items: list[Item]) -> None:
        """Without a reset where the rows are those of before: they keep their place on the screen."""
        if [self._key(item) for item in items] == [self._key(item) for item in self._shown]:
            self._shown = items
            self._repaint()
            return
        self.beginResetModel()
        self._shown, self._rows = items, {self._key(item): row for row, item in enumerate(items)}
        self.endResetModel()

    def _repaint(self, first: int = 0, last: int | None = None) -> None:
        """Rows `first` to `last`, or to the end; none where there are none."""
        last = len(self._shown) - 1 if last is None else last
        if 0 <= first <= last:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self._columns) - 1))
