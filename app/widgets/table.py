"""A table view in the window's manner: hairlines between rows, quiet headers, whole rows selected."""

from collections.abc import Mapping

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from app.theme import theme
from app.widgets.table_delegate import TableDelegate

Widths = Mapping[int, tuple[int, int]]  # by column: the table's width from which it is shown, and its own width then


class Table(QTableView):
    """Put it into a Card without padding. One row is chosen at a time; the first column takes the room that is left."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._widths: Widths = {}
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(Table.SelectionBehavior.SelectRows)
        self.setSelectionMode(Table.SelectionMode.SingleSelection)
        self.setEditTriggers(Table.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(Table.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(Table.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setWordWrap(False)
        self.setFont(theme.font("base", tabular=True))
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # a million rows are never measured
        header = self.horizontalHeader()
        header.setFont(theme.font("small", "medium"))
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_rows(self, rows: QAbstractItemModel, delegate: TableDelegate, widths: Widths) -> None:
        """Show what a model has, painted by `delegate`, which also says how high a row is."""
        self._widths = widths
        self.setModel(rows)
        self.setItemDelegate(delegate)
        self.verticalHeader().setDefaultSectionSize(delegate.row_height)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column, (least, width) in self._widths.items():
            self.setColumnHidden(column, self.width() < least)
            self.setColumnWidth(column, width)
