"""What could be imported as a table whose rows are ticked. Knows no service."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QObject, Qt, Signal

from app.figures import file_size
from app.models.rows import NOTE_ROLE, Index, Rows
from app.transfer_words import kept_by, note
from sidecar.types import Importable


class Column(IntEnum):
    MODEL = 0
    KEPT_BY = 1
    SIZE = 2


class Importables(Rows[Importable]):
    """One row a model: first those that are new here, last those that cannot be imported.

    Signals:
        ticked: other rows are ticked.
    """

    ticked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(Column, lambda one: one.path, parent)
        self._ticked: set[str] = set()
        self._in_place = False

    def set_found(self, found: Sequence[Importable], *, tick: bool) -> None:
        """Show these; with `tick` all that are new here are ticked."""
        self._ticked = {one.path for one in found if tick and not one.problem and not one.model_id}
        self._show(sorted(found, key=lambda one: (bool(one.problem), bool(one.model_id))))
        self.ticked.emit()

    def set_in_place(self, in_place: bool) -> None:
        """Whether files are used where they are: some cannot be."""
        self._in_place = in_place
        self._repaint()

    def chosen(self) -> list[Importable]:
        """Those that are ticked."""
        return [one for one in self._shown if one.path in self._ticked]

    def usable(self) -> list[Importable]:
        """Those that can be imported."""
        return [one for one in self._shown if not one.problem]

    def tick(self, found: Sequence[Importable], *, ticked: bool) -> None:
        """Tick these, or take their ticks away; what cannot be imported is left alone."""
        paths = {one.path for one in found if not one.problem}
        self._ticked = self._ticked | paths if ticked else self._ticked - paths
        self._repaint()
        self.ticked.emit()

    def toggle(self, row: int) -> None:
        """Tick a row that is not, and the other way round."""
        found = self.at(row)
        if found is not None:
            self.tick([found], ticked=found.path not in self._ticked)

    def flags(self, index: Index) -> Qt.ItemFlag:
        usual = super().flags(index)
        checkable = index.column() == Column.MODEL and not self._shown[index.row()].problem
        return usual | Qt.ItemFlag.ItemIsUserCheckable if checkable else usual

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        found, column = self._shown[index.row()], Column(index.column())
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


def _text(found: Importable, column: Column) -> str:
    match column:
        case Column.MODEL:
            return found.name
        case Column.KEPT_BY:
            return kept_by(found)
        case Column.SIZE:
            return file_size(found.bytes) if found.bytes else ""
