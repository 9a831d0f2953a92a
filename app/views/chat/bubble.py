"""The person's words on a soft ground at the right, as wide as they need."""

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.label import Label

SHARE = 0.78  # of the column's width, at most
PAD_X, PAD_Y = 14, 10
CORNER = 4


class Bubble(QWidget):
    """Plain text, selectable; never read as Markdown or HTML."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = Label(text, wrap=True, selectable=True, parent=self)
        self._fitted = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAD_X, PAD_Y, PAD_X, PAD_Y)
        column.addWidget(self.label)

    def fit(self, column_width: int) -> None:
        """Take the width the text needs, within a share of the column's."""
        if column_width == self._fitted:
            return
        self._fitted = column_width
        widest = round(column_width * SHARE) - 2 * PAD_X
        flags = Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextExpandTabs
        needed = QFontMetrics(self.label.font()).boundingRect(QRect(0, 0, widest, 1 << 20), flags, self.label.text())
        width = min(widest, needed.width() + 1)
        self.label.setFixedWidth(width)
        self.setFixedSize(QSize(width + 2 * PAD_X, self.label.heightForWidth(width) + 2 * PAD_Y))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("selected"))
        painter.drawPath(_outline(QRectF(self.rect()), theme.metrics.radii["card"]))


def _outline(rect: QRectF, radius: float) -> QPainterPath:
    """Round, with a tighter corner where the speaker is."""
    path = QPainterPath()
    path.addRoundedRect(rect, radius, radius)
    corner = QPainterPath()
    corner.addRoundedRect(rect.adjusted(rect.width() - 2 * radius, rect.height() - 2 * radius, 0, 0), CORNER, CORNER)
    return path.united(corner)
