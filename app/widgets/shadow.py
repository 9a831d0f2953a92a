"""A soft shadow under floating panels, painted by hand: an effect would redraw the whole panel off screen."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

SPREAD = 16
DROP = 4


def paint_shadow(painter: QPainter, rect: QRectF, radius: float, strength: int = 4) -> None:
    """Darken softly around `rect`, up to SPREAD pixels beyond it; `strength` is the alpha of one of its layers."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, strength))
    for grow in range(1, SPREAD, 2):
        layer = rect.adjusted(-grow, -grow + DROP, grow, grow + DROP)
        painter.drawRoundedRect(layer, radius + grow, radius + grow)
    painter.restore()
