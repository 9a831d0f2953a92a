"""A search field over a list of rows, filtered as one types and driven by the keyboard.

The inside of the command palette and of the model picker. Knows rows only, not what they stand for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListView, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets import fuzzy
from app.widgets.hairline import Hairline
from app.widgets.label import Label
from app.widgets.pill import Tone
from app.widgets.row_delegate import ROW_HEIGHT, RowDelegate
from app.widgets.search_field import SearchField

VISIBLE_ROWS = 8
AROUND_ROWS = 6
HAIRLINE = BORDER = 1


@dataclass(frozen=True)
class Row:
    """One line of the list. `trailing` stands at the right: plain, or as a badge when `tone` is given."""

    id: str
    title: str
    detail: str = ""
    icon: str = ""
    trailing: str = ""
    tone: Tone | None = None


class RowModel(QAbstractListModel):
    """The rows that match the query, best first."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._all: list[Row] = []
        self._shown: list[Row] = []

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Replace all rows and show them unfiltered."""
        self._all = list(rows)
        self.filter("")

    def filter(self, query: str) -> None:
        """Show the rows that match `query`; equal matches keep their order."""
        self.beginResetModel()
        self._shown = ranked(self._all, query)
        self.endResetModel()

    def row_at(self, index: int) -> Row:
        """The shown row at `index`."""
        return self._shown[index]

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008  Qt's signature
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (row.title, row.detail, row.trailing) if part)
        return row if role == Qt.ItemDataRole.UserRole else None


class SearchList(QFrame):
    """Field above, rows below.

    Signals:
        chosen(str): the id of the row taken with Enter or a click.
    """

    chosen = Signal(str)

    def __init__(self, placeholder: str, nothing_found: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = SearchField(placeholder)
        self.field.setProperty("frameless", True)
        self.field.setFont(theme.font("base"))
        self.model = RowModel(self)
        self.view = _list_view(placeholder)
        self.view.setModel(self.model)
        self._nothing = QWidget()
        self._lay_out(nothing_found)
        self.setFocusProxy(self.field)
        self.field.textChanged.connect(self._filter)
        self.field.moved.connect(self._move)
        self.field.returnPressed.connect(self._choose_current)
        self.view.clicked.connect(self._choose)

    def set_rows(self, rows: Sequence[Row], current: str = "") -> None:
        """Show `rows` unfiltered, with the row whose id is `current` marked, else the first."""
        self.field.clear()
        self.model.set_rows(rows)
        self._filter("")
        places = {row.id: place for place, row in enumerate(rows)}
        self._mark(places.get(current, 0))

    def wanted_height(self) -> int:
        """Logical pixels that show all rows, up to VISIBLE_ROWS of them, in a panel with a border."""
        rows = max(1, min(VISIBLE_ROWS, self.model.rowCount()))
        return self.field.sizeHint().height() + HAIRLINE + rows * ROW_HEIGHT + 2 * AROUND_ROWS + 2 * BORDER

    def _lay_out(self, nothing_found: str) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.field)
        column.addWidget(Hairline())
        around = QHBoxLayout(self._nothing)  # a label's own margins would not survive another theme
        around.setContentsMargins(16, 12, 16, 14)
        around.addWidget(Label(nothing_found, "muted"))
        column.addWidget(self._nothing)
        column.addWidget(self.view, 1)

    def _filter(self, query: str) -> None:
        self.model.filter(query)
        self._nothing.setVisible(self.model.rowCount() == 0)
        self._mark(0)

    def _move(self, step: int) -> None:
        count = self.model.rowCount()
        if count:
            self._mark((self.view.currentIndex().row() + step) % count)

    def _mark(self, row: int) -> None:
        self.view.setCurrentIndex(self.model.index(row))

    def _choose_current(self) -> None:
        if self.view.currentIndex().isValid():
            self._choose(self.view.currentIndex())

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self.model.row_at(index.row()).id)


def ranked(rows: Sequence[Row], query: str) -> list[Row]:
    """The rows that match `query` in title or detail, best first; a match in the title counts more."""
    scored: list[tuple[int, Row]] = []
    for row in rows:
        in_title, anywhere = fuzzy.score(query, row.title), fuzzy.score(query, f"{row.title} {row.detail}")
        best = in_title * 2 if in_title is not None else anywhere
        if best is not None:
            scored.append((best, row))
    return [row for _, row in sorted(scored, key=lambda pair: -pair[0])]


def _list_view(name: str) -> QListView:
    view = QListView()
    view.setAccessibleName(name)
    view.setItemDelegate(RowDelegate(view))
    view.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the field keeps the keyboard and moves the marked row
    view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
    view.setUniformItemSizes(True)
    view.setMouseTracking(True)
    view.setViewportMargins(0, AROUND_ROWS, 0, AROUND_ROWS)
    return view
