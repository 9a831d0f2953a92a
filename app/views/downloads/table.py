"""The table of downloads on screen: name, bar and figures in one cell, a badge, a button; keyboard."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.models.download_table import BAD_ROLE, BAR_ROLE, Column, DownloadTable
from app.models.rows import NOTE_ROLE, STANDING_ROLE, Index
from app.widgets.bar import paint_bar
from app.widgets.choice_table import ChoiceTable
from app.widgets.pill import HEIGHT as PILL_HEIGHT
from app.widgets.pill import paint_pill, pill_width
from app.widgets.table import Widths
from app.widgets.table_delegate import TableDelegate
from app.widgets.table_row import paint_line

BAR_HEIGHT = 6
WIDTHS: Widths = {Column.ACTION: (440, 112)}


class DownloadView(ChoiceTable):
    """Its keys are the jobs. Space does what a row's button does.

    Signals:
        cancel_wanted(str): Delete.
    """

    cancel_wanted = Signal(str)

    def __init__(self, downloads: DownloadTable, parent: QWidget | None = None) -> None:
        super().__init__(downloads, DownloadDelegate, WIDTHS, parent)
        self.setAccessibleName(self.tr("Downloads"))
        self.setMouseTracking(True)
        self.horizontalHeader().hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = self._rows.key_at(self.currentIndex().row())
        if key and event.key() == Qt.Key.Key_Space:
            self.acted.emit(key)
        elif key and event.key() == Qt.Key.Key_Delete:
            self.cancel_wanted.emit(key)
        else:
            super().keyPressEvent(event)


class DownloadDelegate(TableDelegate):
    """Name, bar, figures; without a bar the two lines stand closer."""

    row_height = 72
    behind = 14

    def paint_words(self, painter: QPainter, inner: QRectF, index: Index) -> None:
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
