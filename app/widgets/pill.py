"""A small rounded badge: a state in one or two words. `paint_pill` draws the same in item views."""

from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import theme

Tone = Literal["ok", "warning", "bad", "neutral", "accent"]

HEIGHT = 20
PADDING = 7
_FILL = {"neutral": "selected"}
_TEXT = {"neutral": "muted"}


class Pill(QWidget):
    """A badge of one tone; the tone only supports the text and never replaces it."""

    def __init__(self, text: str, tone: Tone = "neutral", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFont(theme.font("tiny", "medium", tabular=True))
        self._text, self._tone = "", tone
        self.set_state(text, tone)

    def text(self) -> str:
        """The words shown."""
        return self._text

    def set_state(self, text: str, tone: Tone) -> None:
        """Show another state."""
        self._text, self._tone = text, tone
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(round(pill_width(self._text)), HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_pill(QPainter(self), QRectF(self.rect()), self._text, self._tone)


def pill_width(text: str) -> float:
    """Width in logical pixels that `paint_pill` needs for `text`."""
    return QFontMetricsF(theme.font("tiny", "medium", tabular=True)).horizontalAdvance(text) + 2 * PADDING


def paint_pill(painter: QPainter, rect: QRectF, text: str, tone: Tone) -> None:
    """Draw a badge that fills `rect`; the painter's state is kept."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour(_FILL.get(tone, f"{tone}_soft")))
    radius = theme.metrics.radii["badge"]
    painter.drawRoundedRect(rect, radius, radius)
    painter.setFont(theme.font("tiny", "medium", tabular=True))
    painter.setPen(theme.colour(_TEXT.get(tone, f"{tone}_text")))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
