"""The table of downloads on screen: name, bar and figures in one cell, a badge, a button; keyboard."""

from __future__ import annotations

from PySide6.QtCore import QItemSelection, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.models.download_table import BAD_ROLE, BAR_ROLE, Column, DownloadTable
from app.models.rows import ICON_ROLE, NOTE_ROLE, STANDING_ROLE
from app.widgets.bar import paint_bar
from app.widgets.pill import HEIGHT as PILL_HEIGHT
from app.widgets.pill import paint_pill, pill_width
from app.widgets.row_button import paint_row_button, row_button_area
from app.widgets.table import Table
from app.widgets.table_row import MARGIN, paint_ground, paint_line

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 72
BAR_HEIGHT = 6
ACTION_FROM = 440  # the table's width from which its rows have buttons
ACTION_WIDTH = 112


class DownloadView(Table):
    """One row chosen at a time.

    Signals:
        download_chosen(str): the job of another row.
        acted(str): its button, Enter, or a double click.
        cancel_wanted(str): Delete.
    """

    download_chosen = Signal(str)
    acted = Signal(str)
    cancel_wanted = Signal(str)

    def __init__(self, downloads: DownloadTable, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setAccessibleName(self.tr("Downloads"))
        self._downloads = downloads
        self._chosen = ""
        self.setModel(downloads)
        self.setItemDelegate(DownloadDelegate(self))
        self.setSelectionMode(Table.SelectionMode.SingleSelection)
        self.setEditTriggers(Table.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.hide()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.MODEL, QHeaderView.ResizeMode.Stretch)
        downloads.modelReset.connect(self._mark)
        self.doubleClicked.connect(self._on_double_click)

    def choose(self, job_id: str) -> None:
        """Mark this download's row, and keep it marked while rows come and go."""
        self._chosen = job_id
        self._mark()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        rows = selected.indexes()
        info = self._downloads.at(rows[0].row()) if rows else None
        if info is not None and info.job_id != self._chosen:
            self._chosen = info.job_id
            self.download_chosen.emit(info.job_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        info = self._downloads.at(self.currentIndex().row())
        if info is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.acted.emit(info.job_id)
        elif info is not None and event.key() == Qt.Key.Key_Delete:
            self.cancel_wanted.emit(info.job_id)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        info = self._downloads.at(index.row())
        if info is not None and event.button() == Qt.MouseButton.LeftButton and self._on_button(index, event):
            self.acted.emit(info.job_id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnHidden(Column.ACTION, self.width() < ACTION_FROM)
        self.setColumnWidth(Column.ACTION, ACTION_WIDTH)

    def _on_button(self, index: QModelIndex, event: QMouseEvent) -> bool:
        if index.column() != Column.ACTION:
            return False
        area = row_button_area(QRectF(self.visualRect(index)), str(index.data()), has_icon=True)
        return area.contains(event.position())

    def _on_double_click(self, index: QModelIndex) -> None:
        info = self._downloads.at(index.row())
        if info is not None and index.column() != Column.ACTION:
            self.acted.emit(info.job_id)

    def _mark(self) -> None:
        row = self._downloads.row_of(self._chosen)
        if row >= 0:
            self.selectRow(row)


class DownloadDelegate(QStyledItemDelegate):
    """One delegate for all columns."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area = QRectF(option.rect)
        painter.save()
        paint_ground(painter, area, option, index)
        if index.column() == Column.ACTION:
            paint_row_button(painter, area, str(index.data()), str(index.data(ICON_ROLE)), option)
        else:
            _paint_download(painter, area.adjusted(MARGIN, 0, -14, -1), index)
        painter.restore()


def _paint_download(painter: QPainter, inner: QRectF, index: Index) -> None:
    """Name, bar, figures; without a bar the two lines stand closer."""
    bar = index.data(BAR_ROLE)
    top = inner.center().y() - (26 if bar else 20)
    line = QRectF(inner.left(), top, inner.width(), 20)
    taken = _paint_standing(painter, line, index)
    paint_line(painter, line.adjusted(0, 0, -taken - 8, 0), str(index.data()), "text", "base", "strong")
    if bar:
        paint_bar(painter, QRectF(inner.left(), inner.center().y() - 1, inner.width(), BAR_HEIGHT), *bar)
    below = QRectF(inner.left(), inner.center().y() + (9 if bar else 1), inner.width(), 18)
    role = "bad_text" if index.data(BAD_ROLE) else "muted"
    paint_line(painter, below, str(index.data(NOTE_ROLE)), role, "small", tabular=True)


def _paint_standing(painter: QPainter, line: QRectF, index: Index) -> float:
    """The badge at the end of the line; returns how much of the line it takes."""
    standing = index.data(STANDING_ROLE)
    width = min(pill_width(standing.text), line.width())
    spot = QRectF(line.right() - width, line.center().y() - PILL_HEIGHT / 2 - 1, width, PILL_HEIGHT)
    paint_pill(painter, spot, standing.text, standing.tone)
    return width
