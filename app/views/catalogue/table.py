"""The table of the catalogue's models: columns by width, two lines a row, a button in each."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QTableView, QWidget

from app.models.offers import MIDDLE_NOTE_ROLE, SHORT_NOTE_ROLE, Column, Offers
from app.models.rows import NOTE_ROLE, Index
from app.widgets.choice_table import ChoiceTable
from app.widgets.table import Widths
from app.widgets.table_delegate import TwoLineDelegate
from app.widgets.table_row import paint_line

WIDTHS: Widths = {Column.FIT: (0, 122), Column.FILE: (700, 112), Column.SPEED: (560, 172), Column.ACTION: (420, 96)}


class OfferTable(ChoiceTable):
    """Its keys are the repositories."""

    def __init__(self, offers: Offers, parent: QWidget | None = None) -> None:
        super().__init__(offers, OfferDelegate, WIDTHS, parent)
        self.setAccessibleName(self.tr("Models that can be downloaded"))
        self.setMouseTracking(True)
        self.horizontalHeader().setSectionsClickable(False)


class OfferDelegate(TwoLineDelegate):
    """What has no column of its own stands under the name."""

    def paint_text(self, painter: QPainter, area: QRectF, index: Index) -> None:
        if index.column() == Column.SPEED:
            paint_line(painter, area, index.data(), "text", "control", tabular=True)
        else:
            super().paint_text(painter, area, index)

    def note(self, index: Index) -> str:
        view, role = self.parent(), NOTE_ROLE
        if isinstance(view, QTableView) and view.isColumnHidden(Column.FILE):
            role = SHORT_NOTE_ROLE if view.isColumnHidden(Column.SPEED) else MIDDLE_NOTE_ROLE
        return str(index.data(role) or "")
