"""The table of models on the screen: columns by width, two lines a row, keyboard and menu."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.model_words import Standing
from app.models.installed import Column, InstalledModels
from app.models.rows import NOTE_ROLE, STANDING_ROLE
from app.widgets.pill import HEIGHT as PILL_HEIGHT
from app.widgets.pill import paint_pill, pill_width
from app.widgets.table import Table
from app.widgets.table_row import MARGIN, paint_ground, paint_line

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 58
# The width from which a column is shown, and how wide it is then.
COLUMNS = {Column.STATE: (0, 124), Column.RUNS: (600, 190), Column.SIZE: (440, 96), Column.USED: (700, 116)}


class ModelTable(Table):
    """One row chosen at a time.

    Signals:
        model_chosen(str): the model of another row.
        opened(str): Enter, or a double click.
        menu_wanted(str, QPoint): for this model, at this point of the screen.
    """

    model_chosen = Signal(str)
    opened = Signal(str)
    menu_wanted = Signal(str, QPoint)

    def __init__(self, models: InstalledModels, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setAccessibleName(self.tr("Models on this machine"))
        self._models = models
        self._chosen = ""
        self.setModel(models)
        self.setItemDelegate(ModelDelegate(self))
        self.setSelectionMode(Table.SelectionMode.SingleSelection)
        self.setEditTriggers(Table.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.MODEL, QHeaderView.ResizeMode.Stretch)
        header.setSortIndicator(Column.MODEL, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        models.modelReset.connect(self._mark)
        self.doubleClicked.connect(lambda index: self._open(index.row()))

    def choose(self, model_id: str) -> None:
        """Mark this model's row, and keep it marked while rows come and go."""
        self._chosen = model_id
        self._mark()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        rows = selected.indexes()
        model = self._models.at(rows[0].row()) if rows else None
        if model is not None and model.id != self._chosen:
            self._chosen = model.id
            self.model_chosen.emit(model.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex().row())
        elif event.key() == Qt.Key.Key_Menu:
            self._open_menu(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        model = self._models.at(self.rowAt(event.pos().y()))
        if model is not None:
            self.menu_wanted.emit(model.id, event.globalPos())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column, (least, width) in COLUMNS.items():
            self.setColumnHidden(column, self.width() < least)
            self.setColumnWidth(column, width)

    def _mark(self) -> None:
        row = self._models.row_of(self._chosen)
        if row >= 0:
            self.selectRow(row)

    def _open(self, row: int) -> None:
        model = self._models.at(row)
        if model is not None:
            self.opened.emit(model.id)

    def _open_menu(self, row: int) -> None:
        model = self._models.at(row)
        if model is not None:
            spot = self.visualRect(self.model().index(row, Column.MODEL))
            self.menu_wanted.emit(model.id, self.viewport().mapToGlobal(spot.bottomLeft()))


class ModelDelegate(QStyledItemDelegate):
    """One delegate for all columns: a text or a badge, and a note under it."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area = QRectF(option.rect)
        painter.save()
        paint_ground(painter, area, option, index)
        inner = area.adjusted(MARGIN, 0, -8, -1)
        note = index.data(NOTE_ROLE)
        upper = QRectF(inner.left(), inner.center().y() - 20, inner.width(), 20) if note else inner
        if index.column() == Column.STATE:
            _paint_standing(painter, upper, index.data(STANDING_ROLE))
        elif index.column() == Column.MODEL:
            paint_line(painter, upper, index.data(), "text", "base", "strong", tabular=True)
        else:
            paint_line(painter, upper, index.data(), "muted", "control", tabular=True)
        if note:
            lower = QRectF(inner.left(), inner.center().y() + 1, inner.width(), 18)
            paint_line(painter, lower, note, "muted", "small", tabular=True)
        painter.restore()


def _paint_standing(painter: QPainter, area: QRectF, standing: Standing) -> None:
    width = min(pill_width(standing.text), area.width())
    paint_pill(
        painter,
        QRectF(area.left(), area.center().y() - PILL_HEIGHT / 2, width, PILL_HEIGHT),
        standing.text,
        standing.tone,
    )
