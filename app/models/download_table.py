"""The downloads as a table: what is under way first, then what needs the person, then what is done. Knows no service."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.download_words import bar_role, figures, main_action, name, share, standing
from app.downloads import UNFINISHED
from sidecar.types import DownloadInfo

Index = QModelIndex | QPersistentModelIndex
FIGURES_ROLE = Qt.ItemDataRole.UserRole + 1
BAR_ROLE = Qt.ItemDataRole.UserRole + 2  # (share, colour) while it is not finished, else None
STANDING_ROLE = Qt.ItemDataRole.UserRole + 3
ICON_ROLE = Qt.ItemDataRole.UserRole + 4
BAD_ROLE = Qt.ItemDataRole.UserRole + 5
RANKS = {"paused": 1, "failed": 2, "done": 3, "cancelled": 4}
_NONE = QModelIndex()


class Column(IntEnum):
    MODEL = 0
    ACTION = 1


class DownloadTable(QAbstractTableModel):
    """One row a download."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shown: list[DownloadInfo] = []

    def set_downloads(self, downloads: Sequence[DownloadInfo]) -> None:
        """Show these; rows that stay keep their place on the screen."""
        found = sorted(downloads, key=_order)
        same = [info.job_id for info in found] == [info.job_id for info in self._shown]
        if not same:
            self.beginResetModel()
        self._shown = found
        if not same:
            self.endResetModel()
        elif found:
            self.dataChanged.emit(self.index(0, 0), self.index(len(found) - 1, len(Column) - 1))

    def info_at(self, row: int) -> DownloadInfo | None:
        """The download of a row; None beyond the last."""
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def row_of(self, job_id: str) -> int:
        """Where a download stands, -1 when it does not."""
        return next((row for row, info in enumerate(self._shown) if info.job_id == job_id), -1)

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(Column)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        info, column = self._shown[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(info, column)
        if role == FIGURES_ROLE:
            return figures(info)
        if role == BAR_ROLE:
            return (share(info), bar_role(info)) if info.state in UNFINISHED else None
        if role == STANDING_ROLE:
            return standing(info)
        if role == ICON_ROLE:
            return main_action(info).icon
        if role == BAD_ROLE:
            return info.state == "failed"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join((name(info), standing(info).text, figures(info)))
        return info.model if role == Qt.ItemDataRole.ToolTipRole and column == Column.MODEL else None

    def _text(self, info: DownloadInfo, column: Column) -> str:
        return name(info) if column == Column.MODEL else main_action(info).short


def _order(info: DownloadInfo) -> tuple[int, int, float]:
    """Under way in the order in which they run; the others the newest first."""
    rank = RANKS.get(info.state, 0)
    return (rank, -info.priority, info.created_at) if rank == 0 else (rank, 0, -(info.finished_at or info.created_at))
