"""The files of a repository, or of a download: names, sizes, and which of them matter. Knows nothing of where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex
LINE_ROLE = Qt.ItemDataRole.UserRole + 1
_NONE = QModelIndex()


@dataclass(frozen=True)
class FileLine:
    """A file: its name, a few words at the right. `share`: how far it is, None where no bar belongs. `quiet`: it does not
    matter here; `bad`: something is wrong with it."""

    path: str
    words: str
    share: float | None = None
    quiet: bool = False
    bad: bool = False


class FileList(QAbstractListModel):
    """One row a file."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: list[FileLine] = []

    def set_lines(self, lines: Sequence[FileLine]) -> None:
        """Show these; rows that stay keep their place on the screen."""
        same = [line.path for line in lines] == [line.path for line in self._lines]
        if not same:
            self.beginResetModel()
        self._lines = list(lines)
        if not same:
            self.endResetModel()
        elif lines:
            self.dataChanged.emit(self.index(0), self.index(len(lines) - 1))

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line = self._lines[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return line.path
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{line.path}, {line.words}"
        return line if role == LINE_ROLE else None
