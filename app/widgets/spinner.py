"""Signs of life: a turning arc for work in progress, and a dot for a state. They animate only while visible."""

from typing import Literal

from PySide6.QtCore import QElapsedTimer, QRectF, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QWidget

from app.theme import theme

FRAME_MS = 33
TURN_MS = 900
PULSE_MS = 1400

State = Literal["ok", "warning", "bad", "faint", "busy"]


class Animated(QWidget):
    """A widget that repaints itself while it is visible and `animating()`; `phase` gives 0…1 within a period."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = QElapsedTimer()
        self._clock.start()
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.update)

    def animating(self) -> bool:
        """Whether there is anything to animate."""
        return True

    def phase(self, period_ms: int) -> float:
        """How far into the present period, 0 to 1."""
        return self._clock.elapsed() % period_ms / period_ms

    def restart(self) -> None:
        """Start or stop the timer after `animating()` may have changed."""
        if self.isVisible() and self.animating():
            self._timer.start()
        else:
            self._timer.stop()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.restart()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()


class Spinner(Animated):
    """A turning arc; `name` says to screen readers what is being waited for."""

    def __init__(self, name: str, size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFixedSize(size, size)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
        painter.setPen(_round_pen("line"))
        painter.drawEllipse(area)
        painter.setPen(_round_pen("accent"))
        painter.drawArc(area, round(-self.phase(TURN_MS) * 360 * 16), 100 * 16)


class StateDot(Animated):
    """A dot of 8 px in the colour of a state; `busy` pulses. Words beside it must say the same."""

    def __init__(self, state: State = "faint", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.setFixedSize(8, 8)

    def set_state(self, state: State) -> None:
        """Show another state."""
        self._state = state
        self.restart()
        self.update()

    def animating(self) -> bool:
        return self._state == "busy"

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent" if self._state == "busy" else self._state))
        if self._state == "busy":
            painter.setOpacity(0.4 + 0.6 * abs(2 * self.phase(PULSE_MS) - 1))
        painter.drawEllipse(self.rect())


def _round_pen(role: str) -> QPen:
    pen = QPen(theme.colour(role), 2)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return pen
