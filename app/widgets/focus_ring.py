"""The ring around the control that has the keyboard focus, shown only when the keyboard brought the focus there."""

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QTabBar,
    QWidget,
)
from shiboken6 import isValid

from app.theme import theme

WIDTH = 2
GAP = 1
FOLLOWED = (QEvent.Type.Move, QEvent.Type.Resize)


class FocusRing(QObject):
    """Create one for the application: `FocusRing(app)`. Text fields and lists show their focus by themselves."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._frame: RingFrame | None = None
        app.focusChanged.connect(self._follow)

    def _follow(self, _old: QWidget | None, new: QWidget | None) -> None:
        if self._frame is not None and isValid(self._frame):  # it dies with the parent of its widget
            self._frame.hide()
            self._frame.deleteLater()
        self._frame = RingFrame(new) if new is not None and wants_ring(new) else None


class RingFrame(QWidget):
    """Lies around `target`, above its siblings, and follows it. (QFocusFrame cuts off round corners.)"""

    def __init__(self, target: QWidget) -> None:
        around = _with_room(target)
        super().__init__(around[-1])
        self._parent = around[-1]
        self._target = target
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        for moving in (target, *around[:-1]):
            moving.installEventFilter(self)
        self._fit()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in FOLLOWED:
            self._fit()
        elif event.type() in (QEvent.Type.Hide, QEvent.Type.ParentChange):
            self.hide()
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("focus"), WIDTH))
        radius = theme.metrics.radii["control"] + GAP + WIDTH / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), radius, radius)

    def _fit(self) -> None:
        self.setGeometry(_ring_in(self._parent, self._target))


def _with_room(target: QWidget) -> list[QWidget]:
    """The parents of `target` up to the nearest in which its ring is not cut off; what scrolls is not left."""
    around: list[QWidget] = []
    parent = target.parentWidget()
    while parent is not None:
        around.append(parent)
        if parent.isWindow() or _scrolls(parent) or parent.rect().contains(_ring_in(parent, target)):
            break
        parent = parent.parentWidget()
    return around


def _scrolls(widget: QWidget) -> bool:
    viewport = widget.parentWidget()
    return viewport is not None and isinstance(viewport.parentWidget(), QAbstractScrollArea)


def _ring_in(parent: QWidget, target: QWidget) -> QRect:
    margin = GAP + WIDTH
    corner = target.mapTo(parent, target.rect().topLeft())
    return QRect(corner, target.size()).adjusted(-margin, -margin, margin, margin)


def wants_ring(widget: QWidget) -> bool:
    """Whether the ring belongs around `widget` now: a control, and no mouse button brought the focus."""
    by_mouse = QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
    is_control = isinstance(widget, QAbstractButton | QComboBox | QAbstractSlider | QTabBar)
    return not by_mouse and is_control and not widget.isWindow()
