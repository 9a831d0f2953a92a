"""The Qt table over a result list: text, label, probability, row. Shows; never asks, sorts or filters by itself."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from app.models.arrangement import Column
from app.models.result_list import FAILED, ResultList, TextList
from app.models.rows import OWN_ROLE, Index
from app.models.verdict import Verdict
from app.theme import theme
from app.widgets.probability_row import percent_text

SHOWN_CHARACTERS = 400  # a line in a table never shows more
TIP_CHARACTERS = 1200
VERDICT_ROLE = OWN_ROLE  # Verdict, the reason of a failure as str, or None while waiting
PROBABILITY_ROLE = OWN_ROLE + 1  # float, -1 without an answer
CUT_ROLE = OWN_ROLE + 2  # bool: the model read only the beginning of the text
_NONE = QModelIndex()


class ResultsTable(QAbstractTableModel):
    """Rows of `results` in the order of `set_order`, decided at `threshold`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.results = ResultList(TextList("", [], range(0)))
        self.threshold = 0.5
        self._order: Sequence[int] = range(0)

    def set_results(self, results: ResultList) -> None:
        """Show another list, all of it."""
        self.beginResetModel()
        self.results = results
        self._order = range(len(results))
        self.endResetModel()

    def set_order(self, order: Sequence[int]) -> None:
        """Show these rows of the list, in this order."""
        self.beginResetModel()
        self._order = order
        self.endResetModel()

    def set_threshold(self, threshold: float) -> None:
        """Decide every row anew; costs nothing but repainting."""
        self.threshold = threshold
        self.refresh()

    def refresh(self, first: int = 0, last: int | None = None) -> None:
        """Repaint rows `first` to `last` of the list, or every row shown where the order is not the list's own."""
        shown = len(self._order)
        if not shown:
            return
        if last is None or not isinstance(self._order, range) or self._order.step < 0:
            first, last = 0, shown - 1
        self.dataChanged.emit(self.index(first, 0), self.index(last, Column.ROW))

    def source_row(self, row: int) -> int:
        """Which row of the list stands in this row of the table."""
        return self._order[row]

    def rowCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = _NONE) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.FontRole:
            return theme.font("small")
        if role == Qt.ItemDataRole.InitialSortOrderRole:
            surest_first = section == Column.PROBABILITY
            return Qt.SortOrder.DescendingOrder if surest_first else Qt.SortOrder.AscendingOrder
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        return (self.tr("Text"), self.tr("Label"), self.tr("Probability"), self.tr("Row"))[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self._order[index.row()], Column(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._shown(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        if role == VERDICT_ROLE:
            return self.state_of(row)
        if role == PROBABILITY_ROLE:
            return self.results.top(row)
        if role == CUT_ROLE:
            return row in self.results.cut
        return None

    def state_of(self, row: int) -> Verdict | str | None:
        """What is known about a row of the list: its verdict, why it failed, or None while it waits."""
        if self.results.state(row) == FAILED:
            return self.results.failures[row]
        return self.results.verdict(row, self.threshold)

    def label_text(self, row: int) -> str:
        """The label column of a row of the list in words."""
        state = self.state_of(row)
        if state is None:
            return ""
        if isinstance(state, str):
            return self.tr("failed: {0}").format(state)
        return ", ".join(state.labels) or self.tr("not sure")

    def _shown(self, row: int, column: Column) -> str:
        if column == Column.TEXT:
            return self.results.source.texts[row][:SHOWN_CHARACTERS].replace("\n", " ")
        if column == Column.LABEL:
            return self.label_text(row)
        if column == Column.ROW:
            return f"{self.results.source.numbers[row]}"
        top = self.results.top(row)
        return percent_text(top) if top >= 0 else ""

    def _tip(self, row: int, column: Column) -> str | None:
        if column == Column.TEXT:
            text = self.results.source.texts[row]
            return text if len(text) <= TIP_CHARACTERS else text[:TIP_CHARACTERS] + "…"
        if column != Column.LABEL:
            return None
        if row not in self.results.cut:
            return self.label_text(row)
        return self.tr("{0}. The text was cut: it is longer than the model reads.").format(self.label_text(row))
