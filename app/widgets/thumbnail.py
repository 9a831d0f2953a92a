"""A picture made small, with round corners; with a button that takes it away where it can be."""

from PySide6.QtCore import QBuffer, QByteArray, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImageReader, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from app.theme import theme
from app.widgets.icon_button import IconButton

REMOVE = 22
INSET = 3


class Thumbnail(QWidget):
    """Shows a PNG or JPEG, no larger than `within` and never enlarged.

    Signals:
        removed: the person took it away.
    """

    removed = Signal()

    def __init__(
        self, content: bytes, name: str, within: QSize, *, removable: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._pixmap = _scaled(content, within, self.devicePixelRatioF())
        self.setFixedSize(_size_of(self._pixmap).expandedTo(QSize(REMOVE + 2 * INSET, REMOVE + 2 * INSET)))
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        if removable:
            remove = IconButton(
                "x", self.tr("Remove {0}").format(name), size=REMOVE, icon_size=12, framed=True, parent=self
            )
            remove.move(self.width() - REMOVE - INSET, INSET)
            remove.clicked.connect(self.removed)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        radius = theme.metrics.radii["control"]
        outline.addRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        painter.fillPath(outline, theme.colour("selected"))
        painter.setClipPath(outline)
        size = _size_of(self._pixmap)
        painter.drawPixmap((self.width() - size.width()) // 2, (self.height() - size.height()) // 2, self._pixmap)
        painter.setClipping(False)
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawPath(outline)


def _scaled(content: bytes, within: QSize, ratio: float) -> QPixmap:
    """Decoded at the size it is shown in, which for a JPEG is quick."""
    data = QByteArray(content)
    buffer = QBuffer(data)
    reader = QImageReader(buffer)
    size, room = reader.size(), within * ratio
    if size.width() > room.width() or size.height() > room.height():
        reader.setScaledSize(size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1)))
    pixmap = QPixmap.fromImage(reader.read())
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def _size_of(pixmap: QPixmap) -> QSize:
    return pixmap.deviceIndependentSize().toSize()
