"""An entry of the navigation rail: icon, label and, where something waits, a count."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.theme import theme

HEIGHT = 36
ICON_SIZE = 18
ICON_X = 8
TEXT_X = 36
BADGE_HEIGHT = 18


class NavButton(QAbstractButton):
    """Marked by `setChecked` alone; pressing it only says `clicked`. Each is a stop of its own for Tab."""

    def __init__(self, icon: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self._count = 0
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setFont(theme.font("base", "medium"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def nextCheckState(self) -> None:
        """Which entry is marked follows what is shown."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def set_count(self, count: int) -> None:
        """Show a badge with `count`; 0 hides it."""
        self._count = count
        self.setAccessibleDescription(self.tr("%n under way", "", count) if count else "")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(TEXT_X + self.fontMetrics().horizontalAdvance(self.text()) + 40, HEIGHT)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        role = "text" if self.isChecked() or self.underMouse() else "muted"
        pixmap = theme.pixmap(self._icon, role, ICON_SIZE, self.devicePixelRatio())
        painter.drawPixmap(QPointF(ICON_X, (self.height() - ICON_SIZE) / 2), pixmap)
        painter.setPen(theme.colour(role))
        area = self.rect().adjusted(TEXT_X, 0, -8, 0)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
        if self._count:
            self._paint_count(painter)

    def _paint_ground(self, painter: QPainter) -> None:
        if not (self.isChecked() or self.underMouse()):
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("selected" if self.isChecked() else "hover"))
        radius = theme.metrics.radii["control"]
        painter.drawRoundedRect(self.rect(), radius, radius)

    def _paint_count(self, painter: QPainter) -> None:
        text = "99+" if self._count > 99 else str(self._count)
        painter.setFont(theme.font("tiny", "medium", tabular=True))
        width = max(BADGE_HEIGHT, painter.fontMetrics().horizontalAdvance(text) + 10)
        badge = QRectF(self.width() - width - 8, (self.height() - BADGE_HEIGHT) / 2, width, BADGE_HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent_fill"))
        painter.drawRoundedRect(badge, BADGE_HEIGHT / 2, BADGE_HEIGHT / 2)
        painter.setPen(theme.colour("on_accent"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
