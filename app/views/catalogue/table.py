"""The table of the catalogue's models: columns by width, two lines a row, a button in each, keyboard."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from app.model_words import Standing
from app.models.offers import MIDDLE_NOTE_ROLE, SHORT_NOTE_ROLE, Column, Offers
from app.models.rows import ICON_ROLE, NOTE_ROLE, STANDING_ROLE
from app.widgets.pill import HEIGHT as PILL_HEIGHT
from app.widgets.pill import paint_pill, pill_width
from app.widgets.row_button import paint_row_button, row_button_area
from app.widgets.table import Table
from app.widgets.table_row import MARGIN, paint_ground, paint_line

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 58
# The width from which a column is shown, and how wide it is then.
COLUMNS = {Column.FIT: (0, 122), Column.FILE: (700, 112), Column.SPEED: (560, 172), Column.ACTION: (420, 96)}


class OfferTable(Table):
    """One row chosen at a time.

    Signals:
        entry_chosen(str): the repository of another row.
        opened(str): Enter, or a double click.
        acted(str): the button of a row.
    """

    entry_chosen = Signal(str)
    opened = Signal(str)
    acted = Signal(str)

    def __init__(self, offers: Offers, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setAccessibleName(self.tr("Models that can be downloaded"))
        self._offers = offers
        self._chosen = ""
        self.setModel(offers)
        self.setItemDelegate(OfferDelegate(self))
        self.setSelectionMode(Table.SelectionMode.SingleSelection)
        self.setEditTriggers(Table.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.MODEL, QHeaderView.ResizeMode.Stretch)
        offers.modelReset.connect(self._mark)
        self.doubleClicked.connect(self._on_double_click)

    def choose(self, repository: str) -> None:
        """Mark this model's row, and keep it marked while rows come and go."""
        self._chosen = repository
        self._mark()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        rows = selected.indexes()
        entry = self._offers.at(rows[0].row()) if rows else None
        if entry is not None and entry.id != self._chosen:
            self._chosen = entry.id
            self.entry_chosen.emit(entry.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        entry = self._offers.at(index.row())
        if entry is not None and event.button() == Qt.MouseButton.LeftButton and self._on_button(index, event):
            self.acted.emit(entry.id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column, (least, width) in COLUMNS.items():
            self.setColumnHidden(column, self.width() < least)
            self.setColumnWidth(column, width)

    def _on_button(self, index: QModelIndex, event: QMouseEvent) -> bool:
        if index.column() != Column.ACTION:
            return False
        area = row_button_area(QRectF(self.visualRect(index)), str(index.data()), bool(index.data(ICON_ROLE)))
        return area.contains(event.position())

    def _on_double_click(self, index: QModelIndex) -> None:
        if index.column() != Column.ACTION:
            self._open(index.row())

    def _mark(self) -> None:
        row = self._offers.row_of(self._chosen)
        if row >= 0:
            self.selectRow(row)

    def _open(self, row: int) -> None:
        entry = self._offers.at(row)
        if entry is not None:
            self.opened.emit(entry.id)


class OfferDelegate(QStyledItemDelegate):
    """One delegate for all columns: a text, a badge or a button, and a note under it."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area = QRectF(option.rect)
        painter.save()
        paint_ground(painter, area, option, index)
        if index.column() == Column.ACTION:
            paint_row_button(painter, area, str(index.data()), index.data(ICON_ROLE), option)
        else:
            self._paint_words(painter, area.adjusted(MARGIN, 0, -8, -1), option, index)
        painter.restore()

    def _paint_words(self, painter: QPainter, inner: QRectF, option: QStyleOptionViewItem, index: Index) -> None:
        note = _note(option, index)
        upper = QRectF(inner.left(), inner.center().y() - 20, inner.width(), 20) if note else inner
        if index.column() == Column.FIT:
            _paint_standing(painter, upper, index.data(STANDING_ROLE))
        elif index.column() == Column.MODEL:
            paint_line(painter, upper, index.data(), "text", "base", "strong", tabular=True)
        else:
            role = "text" if index.column() == Column.SPEED else "muted"
            paint_line(painter, upper, index.data(), role, "control", tabular=True)
        if note:
            lower = QRectF(inner.left(), inner.center().y() + 1, inner.width(), 18)
            paint_line(painter, lower, note, "muted", "small", tabular=True)


def _note(option: QStyleOptionViewItem, index: Index) -> str:
    """What has no column of its own stands under the name."""
    view, role = option.widget, NOTE_ROLE
    if isinstance(view, QTableView) and view.isColumnHidden(Column.FILE):
        role = SHORT_NOTE_ROLE if view.isColumnHidden(Column.SPEED) else MIDDLE_NOTE_ROLE
    return str(index.data(role) or "")


def _paint_standing(painter: QPainter, area: QRectF, standing: Standing) -> None:
    width = min(pill_width(standing.text), area.width())
    spot = QRectF(area.left(), area.center().y() - PILL_HEIGHT / 2, width, PILL_HEIGHT)
    paint_pill(painter, spot, standing.text, standing.tone)
