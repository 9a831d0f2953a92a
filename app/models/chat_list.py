"""The conversations as a Qt list, in groups: pinned, today, yesterday, earlier. Knows rows, not where they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.figures import ago

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class ChatRow:
    """A conversation as the list shows it. `updated_at` in Unix seconds; `excerpt` is what a search found in its text."""

    id: str
    title: str
    model: str
    updated_at: float
    pinned: bool = False
    busy: bool = False
    excerpt: str = ""


@dataclass(frozen=True)
class Heading:
    """The name of a group, above its rows."""

    title: str


class ChatListModel(QAbstractListModel):
    """Headings and conversations in one list.

    Signals:
        renamed(str, str): the person gave the conversation of this id a new title.
    """

    renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[ChatRow | Heading] = []

    def set_rows(self, rows: Sequence[ChatRow]) -> None:
        """Show these, grouped; the order within a group is kept."""
        entries = self._grouped(rows)
        if [_place(entry) for entry in entries] == [_place(entry) for entry in self._entries]:
            self._entries = entries  # the same places: no reset, so that scroll position and editor stay
            if entries:
                self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))
            return
        self.beginResetModel()
        self._entries = entries
        self.endResetModel()

    def set_busy(self, ids: set[str]) -> None:
        """Mark those whose answer is being written."""
        for place, entry in enumerate(self._entries):
            if isinstance(entry, ChatRow) and entry.busy != (entry.id in ids):
                self._entries[place] = replace(entry, busy=entry.id in ids)
                self.dataChanged.emit(self.index(place), self.index(place))

    def index_of(self, conversation_id: str) -> QModelIndex:
        """Where a conversation stands; an invalid index when it is not shown."""
        for place, entry in enumerate(self._entries):
            if isinstance(entry, ChatRow) and entry.id == conversation_id:
                return self.index(place)
        return QModelIndex()

    def row_at(self, index: Index) -> ChatRow | None:
        """The conversation at `index`; None for a heading."""
        entry = self._entries[index.row()] if index.isValid() else None
        return entry if isinstance(entry, ChatRow) else None

    def chats(self) -> list[ChatRow]:
        """The conversations in the order shown."""
        return [entry for entry in self._entries if isinstance(entry, ChatRow)]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  Qt's signature
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self._entries[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return entry.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(entry)
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(entry, ChatRow):
            return entry.title
        return entry if role == ROW_ROLE else None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row, title = self.row_at(index), " ".join(str(value).split())
        if role != Qt.ItemDataRole.EditRole or row is None or not title or title == row.title:
            return False
        self._entries[index.row()] = replace(row, title=title)
        self.dataChanged.emit(index, index)
        self.renamed.emit(row.id, title)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.row_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def refresh_times(self) -> None:
        """Time has passed: what is shown as relative time changes, and at midnight the groups do."""
        self.set_rows(self.chats())

    def _grouped(self, rows: Sequence[ChatRow]) -> list[ChatRow | Heading]:
        entries: list[ChatRow | Heading] = []
        for title, belongs in self._groups():
            group = [row for row in rows if belongs(row)]
            entries += [Heading(title), *group] if group else []
        return entries

    def _groups(self) -> list[tuple[str, Callable[[ChatRow], bool]]]:
        today = date.today()  # noqa: DTZ011  the person's own day
        return [
            (self.tr("Pinned"), lambda row: row.pinned),
            (self.tr("Today"), lambda row: not row.pinned and day_of(row) >= today),
            (self.tr("Yesterday"), lambda row: not row.pinned and day_of(row) == today - timedelta(days=1)),
            (self.tr("Earlier"), lambda row: not row.pinned and day_of(row) < today - timedelta(days=1)),
        ]

    def _spoken(self, entry: ChatRow | Heading) -> str:
        if isinstance(entry, Heading):
            return entry.title
        state = self.tr("answering") if entry.busy else ""
        return ", ".join(part for part in (entry.title, self.detail(entry), state) if part)

    def detail(self, row: ChatRow) -> str:
        """The line under a title: model and time, or what the search found."""
        return row.excerpt or " · ".join(part for part in (row.model, ago(row.updated_at)) if part)


def day_of(row: ChatRow) -> date:
    """The local day of the last change."""
    return datetime.fromtimestamp(row.updated_at).date()  # noqa: DTZ006


def _place(entry: ChatRow | Heading) -> str:
    return entry.id if isinstance(entry, ChatRow) else f"# {entry.title}"
