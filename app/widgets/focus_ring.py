"""The ring around the control that has the keyboard focus, shown only when the keyboard brought the focus there."""

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QComboBox, QFocusFrame, QTabBar, QWidget
from shiboken6 import isValid

from app.theme import theme

WIDTH = 2


class FocusRing(QObject):
    """Create one for the application: `FocusRing(app)`. Text fields and lists show their focus by themselves."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._frame: RingFrame | None = None
        app.focusChanged.connect(self._follow)

    def _follow(self, _old: QWidget | None, new: QWidget | None) -> None:
        if self._frame is not None and isValid(self._frame):  # it dies with the parent of its widget
            self._frame.deleteLater()
        self._frame = None
        if new is not None and wants_ring(new):
            self._frame = RingFrame(new)
            self._frame.setWidget(new)


class RingFrame(QFocusFrame):
    """Follows its widget and draws the ring around it."""

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("focus"), WIDTH))
        radius = theme.metrics.radii["control"] + 1
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), radius, radius)


def wants_ring(widget: QWidget) -> bool:
    """Whether the ring belongs around `widget` now: a control, and no mouse button brought the focus."""
    by_mouse = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
    return not by_mouse and isinstance(widget, QAbstractButton | QComboBox | QAbstractSlider | QTabBar)
