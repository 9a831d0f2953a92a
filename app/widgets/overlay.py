"""A layer over the whole window that holds one floating panel; a click beside it or Escape closes it.

A child of the window rather than a window of its own: no compositor is needed for round corners and shadow, and it
moves, scales and is captured with the window.
"""

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from app.theme import theme
from app.widgets.shadow import paint_shadow

DIM_ALPHA = 60


class Overlay(QWidget):
    """Subclasses fill `panel` and say in `panel_geometry` where it stands.

    `host` is already in its window when this is made.

    Signals:
        closed: the panel was dismissed or its work is done.
    """

    closed = Signal()

    def __init__(self, host: QWidget, *, dim: bool) -> None:
        super().__init__(host.window())
        self.host_window = host.window()
        self._dim = dim
        self._focus_before: QWidget | None = None
        self.panel = QFrame(self)
        self.panel.setProperty("popup", True)
        self.hide()

    def panel_geometry(self) -> QRect:
        """Where the panel stands, in this layer's coordinates."""
        raise NotImplementedError

    def open(self) -> None:
        """Show the panel above everything in the window; it keeps the keyboard until it closes."""
        self._focus_before = QApplication.focusWidget()
        self._fit()
        self.host_window.installEventFilter(self)
        self.show()
        self.raise_()
        self.panel.setFocus()

    def dismiss(self) -> None:
        """Hide the panel and give the focus back to where it was."""
        if self.isHidden():
            return
        self.host_window.removeEventFilter(self)
        self.hide()
        if self._focus_before is not None:
            self._focus_before.setFocus()
        self._focus_before = None
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self.host_window:
            self._fit()
        return False

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab stays inside the panel: what lies under the layer must not be reachable while it is open."""
        stops = [
            w for w in self.panel.findChildren(QWidget) if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        if stops:
            focus = QApplication.focusWidget()
            here = stops.index(focus) if focus in stops else -1
            step = 1 if forward else -1
            stops[(here + step) % len(stops)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.panel.geometry().contains(event.position().toPoint()):
            self.dismiss()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            event.accept()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._dim:
            painter.fillRect(self.rect(), QColor(0, 0, 0, DIM_ALPHA))
        paint_shadow(painter, QRectF(self.panel.geometry()), theme.metrics.radii["card"])

    def _fit(self) -> None:
        self.setGeometry(self.host_window.rect())
        self.panel.setGeometry(self.panel_geometry())
        self.update()
