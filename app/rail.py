"""The navigation rail: the product's name, the rooms, the settings at the bottom. Knows names, not views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.nav_button import NavButton

ICON_SIZE = 24
ICON_X = 8
TEXT_X = 42


@dataclass(frozen=True)
class Place:
    """An entry of the rail. `bottom` puts it at the rail's end; `group` starts a new block when it changes."""

    name: str
    title: str
    icon: str
    group: int = 0
    bottom: bool = False


class Rail(QFrame):
    """One entry a place, one of them chosen.

    Signals:
        chosen(str): the name of the place that the person went to; "welcome" for the product's name.
    """

    chosen = Signal(str)

    def __init__(self, places: Sequence[Place], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("ground", "rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(theme.metrics.spacing["rail_width"])
        self.product = ProductName("Inglenook")
        self.product.clicked.connect(lambda: self.chosen.emit("welcome"))
        self.buttons = {place.name: NavButton(place.icon, place.title) for place in places}
        self._lay_out(places)
        for name, button in self.buttons.items():
            button.clicked.connect(lambda _checked=False, name=name: self.chosen.emit(name))

    def set_current(self, name: str) -> None:
        """Mark the place in front; a name without an entry leaves none marked."""
        for key, button in self.buttons.items():
            button.setChecked(key == name)

    def _lay_out(self, places: Sequence[Place]) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(1)
        column.addWidget(self.product)
        column.addSpacing(10)
        above = [place for place in places if not place.bottom]
        for before, place in zip([*above[:1], *above], above, strict=False):
            if place.group != before.group:
                column.addSpacing(14)
            column.addWidget(self.buttons[place.name])
        column.addStretch(1)
        for place in places:
            if place.bottom:
                column.addWidget(self.buttons[place.name])


class ProductName(QAbstractButton):
    """The application's icon and name; leads to the welcome page."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setAccessibleName(text)
        self.setAccessibleDescription(self.tr("The welcome page"))
        self.setToolTip(self.tr("Welcome page (F1)"))
        self.setFont(theme.font("lead", "strong"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(TEXT_X + self.fontMetrics().horizontalAdvance(self.text()) + 8, 40)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        top = (self.height() - ICON_SIZE) // 2
        theme.app_icon().paint(painter, QRect(ICON_X, top, ICON_SIZE, ICON_SIZE))
        painter.setPen(theme.colour("text"))
        painter.drawText(self.rect().adjusted(TEXT_X, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.text())
