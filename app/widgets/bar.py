"""A thin bar for a share between 0 and 1. `paint_bar` draws the same in item views."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import theme

HEIGHT = 8


class Bar(QWidget):
    """A share as a bar; `role` is the colour token of its filled part."""

    def __init__(self, value: float = 0.0, role: str = "accent", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value, self._role = value, role
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(40)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_value(self, value: float, role: str | None = None) -> None:
        """Show another share (clamped to 0…1), in another colour if `role` is given."""
        self._value, self._role = value, role or self._role
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_bar(QPainter(self), QRectF(self.rect()), self._value, self._role)


def paint_bar(painter: QPainter, rect: QRectF, value: float, role: str = "accent") -> None:
    """Draw the track over all of `rect` and the filled share over its left part; the painter's state is kept."""
    radius = rect.height() / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("selected"))
    painter.drawRoundedRect(rect, radius, radius)
    filled = QRectF(rect)
    filled.setWidth(rect.width() * min(1.0, max(0.0, value)))
    if filled.width() > 0:
        painter.setBrush(theme.colour(role))
        painter.drawRoundedRect(filled, min(radius, filled.width() / 2), radius)
    painter.restore()
