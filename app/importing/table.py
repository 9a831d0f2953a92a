"""The list of what could be imported on the screen: a row is ticked by a click anywhere in it, or by Space."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.models.importables import Column, Importables
from app.models.rows import NOTE_ROLE
from app.theme import theme
from app.widgets.table import Table
from app.widgets.table_row import MARGIN, paint_ground, paint_line

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 52
WIDTHS = {Column.KEPT_BY: 104, Column.SIZE: 88}
BOX, BOX_RADIUS, BESIDE_BOX = 18, 5, 12
MARK_INSET = 2


class ImportTable(Table):
    """Signals:
    row_changed: another row is the current one.
    confirmed: Enter was pressed.
    """

    row_changed = Signal()
    confirmed = Signal()

    def __init__(self, found: Importables, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setAccessibleName(self.tr("What can be imported"))
        self._found = found
        self.setModel(found)
        self.setItemDelegate(ImportDelegate(self))
        self.setSelectionMode(Table.SelectionMode.SingleSelection)
        self.setEditTriggers(Table.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.hide()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.MODEL, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(lambda _now, _before: self.row_changed.emit())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._found.toggle(self.currentIndex().row())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.confirmed.emit()
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._found.toggle(self.indexAt(event.position().toPoint()).row())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column, width in WIDTHS.items():
            self.setColumnWidth(column, width)


class ImportDelegate(QStyledItemDelegate):
    """A box to tick, a name and a note under it; who keeps it; how large it is."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area = QRectF(option.rect)
        painter.save()
        paint_ground(painter, area, option, index)
        inner = area.adjusted(MARGIN, 0, -8, -1)
        if index.column() == Column.MODEL:
            _paint_model(painter, inner, index)
        else:
            paint_line(painter, inner, index.data(), "muted", "control", tabular=True)
        painter.restore()


def _paint_model(painter: QPainter, inner: QRectF, index: Index) -> None:
    state = index.data(Qt.ItemDataRole.CheckStateRole)
    _paint_box(painter, QRectF(inner.left(), inner.center().y() - BOX / 2, BOX, BOX), state)
    words = inner.adjusted(BOX + BESIDE_BOX, 0, 0, 0)
    note, usable = index.data(NOTE_ROLE), state is not None
    upper = QRectF(words.left(), words.center().y() - 20, words.width(), 20) if note else words
    paint_line(painter, upper, index.data(), "text" if usable else "muted", "base", "strong" if usable else "medium")
    lower = QRectF(words.left(), words.center().y() + 1, words.width(), 18)
    paint_line(painter, lower, note, "muted" if usable else "warning_text", "small")


def _paint_box(painter: QPainter, area: QRectF, state: Qt.CheckState | None) -> None:
    """As a check box looks elsewhere; without a state it cannot be ticked."""
    ticked = state is not None and Qt.CheckState(state) == Qt.CheckState.Checked
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    frame, ground = ("accent_fill", "accent_fill") if ticked else ("faint", "surface")
    if state is None:
        frame, ground = "line", "selected"
    painter.setPen(QPen(theme.colour(frame), 1))
    painter.setBrush(theme.colour(ground))
    painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), BOX_RADIUS, BOX_RADIUS)
    if ticked:
        mark = theme.pixmap("check", "on_accent", BOX - 2 * MARK_INSET, painter.device().devicePixelRatio())
        painter.drawPixmap(area.adjusted(MARK_INSET, MARK_INSET, 0, 0).topLeft(), mark)
