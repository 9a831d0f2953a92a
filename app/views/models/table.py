"""The table of models on the screen: columns by width, two lines a row, keyboard and menu."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from app.models.installed import Column, InstalledModels
from app.widgets.choice_table import ChoiceTable
from app.widgets.table import Widths
from app.widgets.table_delegate import TwoLineDelegate

WIDTHS: Widths = {Column.STATE: (260, 124), Column.RUNS: (600, 190), Column.SIZE: (440, 96), Column.USED: (700, 116)}


class ModelTable(ChoiceTable):
    """Its keys are the models' ids.

    Signals:
        menu_wanted(str, QPoint): for this model, at this point of the screen.
    """

    menu_wanted = Signal(str, QPoint)

    def __init__(self, models: InstalledModels, parent: QWidget | None = None) -> None:
        super().__init__(models, TwoLineDelegate, WIDTHS, parent)
        self.setAccessibleName(self.tr("Models on this machine"))
        self.horizontalHeader().setSortIndicator(Column.MODEL, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Menu:
            row = self.currentIndex().row()
            spot = self.visualRect(self.model().index(row, Column.MODEL))
            self._open_menu(row, self.viewport().mapToGlobal(spot.bottomLeft()))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._open_menu(self.rowAt(event.pos().y()), event.globalPos())

    def _open_menu(self, row: int, where: QPoint) -> None:
        if key := self._rows.key_at(row):
            self.menu_wanted.emit(key, where)
