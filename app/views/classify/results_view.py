"""The table of results on the screen: column widths, keyboard, copying, asking for another order."""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionRange, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.models.arrangement import Column
from app.models.results_table import ResultsTable
from app.theme import theme
from app.views.classify.results_delegate import ROW_HEIGHT, ResultsDelegate

NARROW = 760
WIDTHS = {Column.LABEL: (180, 118), Column.PROBABILITY: (210, 160), Column.ROW: (110, 76)}
COPY_LIMIT = 100_000


class ResultsView(QTableView):
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
        super().__init__(parent)
        self._table = table
        self._sorted = (Column.ROW, False)
        self.setAccessibleName(self.tr("Results"))
        self.setModel(table)
        self.setItemDelegate(ResultsDelegate(self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().setSingleStep(ROW_HEIGHT)
        self._set_up_headers()
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
        """Ask for this order; once more reverses it."""
        before, descending = self._sorted
        # The first look at probabilities wants the surest rows, at everything else the beginning.
        first = column == Column.PROBABILITY
        self.show_order(column, descending=not descending if column == before else first)
        self.sort_wanted.emit(*self._sorted)

    def show_order(self, column: Column, *, descending: bool) -> None:
        """Put the arrow where the order comes from."""
        self._sorted = (column, descending)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(column, order)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.selectionModel().hasSelection():
            self.clearSelection()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW
        for column, widths in WIDTHS.items():
            self.setColumnWidth(column, widths[narrow])

    def _set_up_headers(self) -> None:
        rows = self.verticalHeader()
        rows.setVisible(False)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # a million rows are never measured one by one
        rows.setDefaultSectionSize(ROW_HEIGHT)
        columns = self.horizontalHeader()
        columns.setFont(theme.font("small"))
        columns.setHighlightSections(False)
        columns.setSectionsClickable(True)
        columns.setSortIndicatorShown(True)
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setSectionResizeMode(Column.TEXT, QHeaderView.ResizeMode.Stretch)
        columns.sectionClicked.connect(lambda section: self.sort_by(Column(section)))
        self.show_order(Column.ROW, descending=False)

    def _set_up_copy(self) -> None:
        copy = QAction(theme.icon("copy"), self.tr("Copy"), self)
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self.copy_wanted)
        self.addAction(copy)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def _on_selection(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        spans = self._spans()
        one = len(spans) == 1 and spans[0].height() == 1
        self.row_chosen.emit(self._table.source_row(spans[0].top()) if one else -1)

    def _spans(self) -> list[QItemSelectionRange]:
        return list(self.selectionModel().selection().toList())
