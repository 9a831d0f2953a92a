"""What could be imported as a table whose rows are ticked. Knows no service."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.figures import file_size
from app.transfer_words import kept_by, note
from sidecar.types import Importable

Index = QModelIndex | QPersistentModelIndex
NOTE_ROLE = Qt.ItemDataRole.UserRole + 1  # what stands under a cell's text, in smaller letters
_NONE = QModelIndex()


class Column(IntEnum):
    MODEL = 0
    KEPT_BY = 1
    SIZE = 2


class Importables(QAbstractTableModel):
    """One row a model: first those that are new here, last those that cannot be imported.

    Signals:
        ticked: other rows are ticked.
    """

    ticked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._found: list[Importable] = []
        self._ticked: set[str] = set()
        self._in_place = False

    def set_found(self, found: Sequence[Importable], *, tick: bool) -> None:
        """Show these; with `tick` all that are new here are ticked."""
        self.beginResetModel()
        self._found = sorted(found, key=lambda one: (bool(one.problem), bool(one.model_id)))
        self._ticked = {one.path for one in self._found if tick and not one.problem and not one.model_id}
        self.endResetModel()
        self.ticked.emit()

    def set_in_place(self, in_place: bool) -> None:
        """Whether files are used where they are: some cannot be."""
        self._in_place = in_place
        self._redraw()

    def found_at(self, row: int) -> Importable | None:
        """None beyond the last."""
        return self._found[row] if 0 <= row < len(self._found) else None

    def chosen(self) -> list[Importable]:
        """Those that are ticked."""
        return [one for one in self._found if one.path in self._ticked]

    def usable(self) -> list[Importable]:
        """Those that can be imported."""
        return [one for one in self._found if not one.problem]

    def tick(self, found: Sequence[Importable], *, ticked: bool) -> None:
        """Tick these, or take their ticks away; what cannot be imported is left alone."""
        paths = {one.path for one in found if not one.problem}
        self._ticked = self._ticked | paths if ticked else self._ticked - paths
        self._redraw()
        self.ticked.emit()

    def toggle(self, row: int) -> None:
        """Tick a row that is not, and the other way round."""
        found = self.found_at(row)
        if found is not None:
            self.tick([found], ticked=found.path not in self._ticked)

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._found)

    def columnCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: Index) -> Qt.ItemFlag:
        usual = super().flags(index)
        checkable = index.column() == Column.MODEL and not self._found[index.row()].problem
        return usual | Qt.ItemFlag.ItemIsUserCheckable if checkable else usual

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        found, column = self._found[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(found, column)
        if role == Qt.ItemDataRole.CheckStateRole and column == Column.MODEL and not found.problem:
            return Qt.CheckState.Checked if found.path in self._ticked else Qt.CheckState.Unchecked
        if role == NOTE_ROLE and column == Column.MODEL:
            return note(found, in_place=self._in_place)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            under = note(found, in_place=self._in_place) if column == Column.MODEL else ""
            return ", ".join(filter(None, (_text(found, column), under)))
        return found.path if role == Qt.ItemDataRole.ToolTipRole and column == Column.MODEL else None

    def _redraw(self) -> None:
        if self._found:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._found) - 1, len(Column) - 1))


def _text(found: Importable, column: Column) -> str:
    match column:
        case Column.MODEL:
            return found.name
        case Column.KEPT_BY:
            return kept_by(found)
        case Column.SIZE:
            return file_size(found.bytes) if found.bytes else ""
