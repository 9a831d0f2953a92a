"""The table of results on the screen: column widths, keyboard, copying, asking for another order."""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QItemSelectionRange, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.models.arrangement import Column
from app.models.results_table import ResultsTable
from app.theme import theme
from app.views.classify.results_delegate import ResultsDelegate
from app.widgets.table import Table

NARROW = 760
WIDTHS = {Column.LABEL: (180, 118), Column.PROBABILITY: (210, 160), Column.ROW: (110, 76)}
COPY_LIMIT = 100_000


class ResultsView(Table):
    """Rows are selected whole; Ctrl+C copies them, Escape lets them go.

    Signals:
        sort_wanted(int, bool): a column, and whether descending.
        row_chosen(int): the one row of the list that is selected, or -1.
        copy_wanted: Ctrl+C, or the context menu.
    """

    sort_wanted = Signal(int, bool)
    row_chosen = Signal(int)
    copy_wanted = Signal()

    def __init__(self, table: ResultsTable, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._table = table
        self.setAccessibleName(self.tr("Results"))
        self.setFont(theme.font())  # people's texts: digits as in prose
        self.setSelectionMode(Table.SelectionMode.ExtendedSelection)
        self.show_rows(table, ResultsDelegate(self), {})
        self.verticalScrollBar().setSingleStep(ResultsDelegate.row_height)
        self._set_up_header()
        self._set_up_copy()
        self.selectionModel().selectionChanged.connect(self._on_selection)
        table.modelReset.connect(lambda: self.row_chosen.emit(-1))

    def selected_rows(self) -> Sequence[int]:
        """Rows of the table that are selected, from top to bottom, at most COPY_LIMIT of them."""
        spans = sorted((span.top(), span.bottom()) for span in self._spans())
        rows: list[int] = []
        for top, bottom in spans:
            rows.extend(range(top, min(bottom + 1, top + COPY_LIMIT - len(rows))))
        return rows

    def sort_by(self, column: Column) -> None:
        """Ask for this order, as a click on the header does; once more reverses it."""
        header = self.horizontalHeader()
        descending = column == Column.PROBABILITY  # the first look at probabilities wants the surest rows
        if header.sortIndicatorSection() == column:
            descending = header.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
        header.setSortIndicator(column, Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)

    def show_source_order(self) -> None:
        """A new list is in its own order: put the arrow there without asking for anything."""
        with QSignalBlocker(self.horizontalHeader()):
            self.horizontalHeader().setSortIndicator(Column.ROW, Qt.SortOrder.AscendingOrder)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()  # Qt itself would copy one cell
        elif event.key() == Qt.Key.Key_Escape and self.selectionModel().hasSelection():
            self.clearSelection()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        for column, widths in WIDTHS.items():
            self.setColumnWidth(column, widths[narrow])

    def _set_up_header(self) -> None:
        columns = self.horizontalHeader()
        columns.setFont(theme.font("small"))
        # A header asks its selection model whether a column is selected, row by row: a million rows would take seconds.
        columns.setSelectionModel(QItemSelectionModel(self._table, columns))
        self.show_source_order()
        self.setSortingEnabled(True)
        columns.sortIndicatorChanged.connect(self._on_sort)

    def _set_up_copy(self) -> None:
        copy = QAction(theme.icon("copy"), self.tr("Copy"), self)
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self.copy_wanted)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def _on_sort(self, section: int, order: Qt.SortOrder) -> None:
        self.sort_wanted.emit(section, order == Qt.SortOrder.DescendingOrder)

    def _on_selection(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        spans = self._spans()
        one = len(spans) == 1 and spans[0].height() == 1
        self.row_chosen.emit(self._table.source_row(spans[0].top()) if one else -1)

    def _spans(self) -> list[QItemSelectionRange]:
        return list(self.selectionModel().selection().toList())
