"""The downloads as a table: what is under way first, then what needs the person, then what is done. Knows no service."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QObject, Qt

from app.download_words import bar_role, figures, main_action, name, share, standing
from app.downloads import UNFINISHED
from app.models.rows import ICON_ROLE, NOTE_ROLE, OWN_ROLE, STANDING_ROLE, Index, Rows
from sidecar.types import DownloadInfo

BAR_ROLE = OWN_ROLE  # (share, colour) while it is not finished, else None
BAD_ROLE = OWN_ROLE + 1  # bool: its figures tell of a failure
RANKS = {"paused": 1, "failed": 2, "done": 3, "cancelled": 4}


class Column(IntEnum):
    MODEL = 0
    ACTION = 1


class DownloadTable(Rows[DownloadInfo]):
    """One row a download."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(Column, lambda info: info.job_id, parent)

    def set_downloads(self, downloads: Sequence[DownloadInfo]) -> None:
        """Show these; rows that stay keep their place on the screen."""
        self._show(sorted(downloads, key=_order))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        info, column = self._shown[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(info, column)
        if role == NOTE_ROLE:
            return figures(info)
        if role == BAR_ROLE:
            return (share(info), bar_role(info)) if info.state in UNFINISHED else None
        if role == STANDING_ROLE:
            return standing(info)
        if role == ICON_ROLE and column == Column.ACTION:
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
