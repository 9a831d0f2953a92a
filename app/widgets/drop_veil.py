"""A veil over a widget while something is dragged over it: says what dropping it would do. It takes no drop itself."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.theme import theme

GROUND_ALPHA = 0.88
INSET = 16
LINE = 26
DASH_WIDTH = 2


class DropVeil(QWidget):
    """Hidden until `lift`."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self._text = self._detail = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def lift(self, text: str, detail: str = "") -> None:
        """Show it above everything in the host."""
        self._text, self._detail = text, detail
        self.setAccessibleName(text)
        self.setGeometry(self._host.rect())
        self.show()
        self.raise_()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = theme.colour("background")
        ground.setAlphaF(GROUND_ALPHA)
        painter.fillRect(self.rect(), ground)
        painter.setPen(QPen(theme.colour("accent"), DASH_WIDTH, Qt.PenStyle.DashLine))
        radius = theme.metrics.radii["card"]
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(INSET, INSET, -INSET, -INSET), radius, radius)
        half = LINE // 2 if self._detail else 0
        painter.setPen(theme.colour("text"))
        painter.setFont(theme.font("title", "strong"))
        painter.drawText(self.rect().adjusted(0, -half, 0, -half), Qt.AlignmentFlag.AlignCenter, self._text)
        painter.setPen(theme.colour("muted"))
        painter.setFont(theme.font("control"))
        painter.drawText(self.rect().adjusted(0, half, 0, half), Qt.AlignmentFlag.AlignCenter, self._detail)
