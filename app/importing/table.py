"""The list of what could be imported on the screen: a row is ticked by a click anywhere in it, or by Space."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.models.importables import Column, Importables
from app.models.rows import NOTE_ROLE, Index
from app.theme import theme
from app.widgets.table import Table, Widths
from app.widgets.table_delegate import TableDelegate, two_lines
from app.widgets.table_row import paint_line

WIDTHS: Widths = {Column.KEPT_BY: (0, 104), Column.SIZE: (0, 88)}
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
        self.show_rows(found, ImportDelegate(self), WIDTHS)
        self.horizontalHeader().hide()
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


class ImportDelegate(TableDelegate):
    """A box to tick, a name and a note under it; who keeps it; how large it is."""

    row_height = 52

    def paint_words(self, painter: QPainter, inner: QRectF, index: Index) -> None:
        if index.column() == Column.MODEL:
            _paint_model(painter, inner, index)
        else:
            paint_line(painter, inner, index.data(), "muted", "control", tabular=True)


def _paint_model(painter: QPainter, inner: QRectF, index: Index) -> None:
    state = index.data(Qt.ItemDataRole.CheckStateRole)
    _paint_box(painter, QRectF(inner.left(), inner.center().y() - BOX / 2, BOX, BOX), state)
    words = inner.adjusted(BOX + BESIDE_BOX, 0, 0, 0)
    note, usable = index.data(NOTE_ROLE), state is not None
    upper, lower = two_lines(words) if note else (words, words)
    paint_line(painter, upper, index.data(), "text" if usable else "muted", "base", "strong" if usable else "medium")
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
