"""An icon that only decorates: it takes no focus and screen readers pass over it."""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme import theme


class IconLabel(QWidget):
    """One Lucide icon in a token's colour, following the theme."""

    def __init__(self, name: str, role: str = "muted", size: int = 18, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._role, self._size = name, role, size
        self.setFixedSize(size, size)

    def set_icon(self, name: str, role: str | None = None) -> None:
        """Show another icon, in another colour if `role` is given."""
        self._name, self._role = name, role or self._role
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        pixmap = theme.pixmap(self._name, self._role, self._size, self.devicePixelRatio())
        QPainter(self).drawPixmap(QPointF(0, 0), pixmap)
