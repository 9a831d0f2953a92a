"""A disk as a bar: what Inglenook's models take, what others take, what is free."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.bar import paint_bar

HEIGHT = 10


class SpaceBar(QWidget):
    """Two shares from the left, each from 0 to 1; what remains is free. The words beside it say the same."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ours, self._others = 0.0, 0.0
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_shares(self, ours: float, others: float) -> None:
        """Show how much is taken, by us and by others."""
        self._ours, self._others = ours, others
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        area = QRectF(self.rect())
        paint_bar(painter, area, self._ours + self._others, "bar_muted")
        if self._ours > 0:
            least = 2 * HEIGHT / max(area.width(), 1)  # so that it can be seen
            painter.save()
            painter.setClipRect(QRectF(0, 0, area.width() * max(self._ours, least), area.height()))
            paint_bar(painter, area, 1.0, "accent")
            painter.restore()
        painter.end()


def shares(ours: int, free: int, total: int) -> tuple[float, float]:
    """What we take and what others take of a disk, each from 0 to 1. Pure arithmetic on bytes."""
    if total <= 0:
        return 0.0, 0.0
    taken = min(max(total - free, 0), total)
    return min(ours, taken) / total, max(taken - ours, 0) / total
