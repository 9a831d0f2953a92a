"""A short message at the bottom of the window, with Undo where something was taken away, or with what to do next."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QTimer
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.button import Button
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_button import IconButton
from app.widgets.icon_label import IconLabel
from app.widgets.shadow import SPREAD, paint_shadow

SHOWN_MS = 4000
SHOWN_WITH_UNDO_MS = 10_000
SHOWN_WITH_OFFER_MS = 30_000  # it tells of something that took long: the person may be elsewhere
FROM_BOTTOM = 40


@dataclass(frozen=True)
class Offer:
    """What could be done next: a button with these words."""

    words: str
    icon: str
    run: Callable[[], object]


class Toast(QWidget):
    """One message at a time over the window of `host` (which is in its window already); a new one replaces the old.

    The mouse over it, or the focus in it, keeps it open.
    """

    def __init__(self, host: QWidget) -> None:
        super().__init__(host.window())
        self._window = host.window()
        self._undo_action: Callable[[], object] | None = None
        self._offer: Offer | None = None
        self._above = 0
        self._icon = IconLabel("check", "ok", 16)
        self._text = ElidedLabel(size="control", weight="medium", middle=True)
        self.undo_button = Button(self.tr("Undo"), "link", "undo-2")
        self.offer_button = Button("", "secondary", "arrow-right", compact=True)
        self._close = IconButton("x", self.tr("Close"), size=24, icon_size=14)
        for button in (self.undo_button, self.offer_button, self._close):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the focus where the person works
        self._panel = QFrame()
        self._panel.setProperty("popup", True)
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._expire)
        self.undo_button.clicked.connect(self._undo)
        self.offer_button.clicked.connect(self._take_offer)
        self._close.clicked.connect(self.hide)
        self._window.installEventFilter(self)
        self.hide()

    def show_message(
        self,
        text: str,
        undo: Callable[[], object] | None = None,
        *,
        offer: Offer | None = None,
        bad: bool = False,
        above: int = 0,
    ) -> None:
        """Show `text`; with `undo` an Undo button calls it, at most once, and the message stays longer; so with `offer`.
        `bad`: it tells of something that went wrong.

        `above` is the height in logical pixels at the bottom that it must not cover.
        """
        self._undo_action, self._offer = undo, offer
        self._above = above
        self._text.setText(text)
        self.setAccessibleName(text)
        self._icon.set_icon(*_icon(taken_away=undo is not None, bad=bad))
        self.undo_button.setVisible(undo is not None)
        self.offer_button.setVisible(offer is not None)
        if offer is not None:
            self.offer_button.setText(offer.words)
            self.offer_button.set_icon(offer.icon)
        self._panel.updateGeometry()  # the layout around it would else go by the message before
        self._place()
        self.show()
        self.raise_()
        self._timer.start(SHOWN_WITH_OFFER_MS if offer else SHOWN_WITH_UNDO_MS if undo else SHOWN_MS)

    def text(self) -> str:
        """The message shown last."""
        return self._text.text()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._window:
            self._place()
        return False

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._timer.start(SHOWN_MS)

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_shadow(QPainter(self), QRectF(self._panel.geometry()), theme.metrics.radii["card"])

    def _lay_out(self) -> None:
        outside = QVBoxLayout(self)
        outside.setContentsMargins(SPREAD, SPREAD, SPREAD, SPREAD)
        outside.addWidget(self._panel)
        row = QHBoxLayout(self._panel)
        row.setContentsMargins(14, 8, 8, 8)
        row.setSpacing(10)
        for widget in (self._icon, self._text, self.undo_button, self.offer_button, self._close):
            row.addWidget(widget)

    def _place(self) -> None:
        wanted = self.sizeHint()
        self.resize(min(wanted.width(), self._window.width()), wanted.height())
        left = (self._window.width() - self.width()) // 2
        self.move(left, self._window.height() - self.height() - FROM_BOTTOM - self._above)

    def _expire(self) -> None:
        if any(button.hasFocus() for button in (self.undo_button, self.offer_button, self._close)):
            self._timer.start(SHOWN_MS)
        else:
            self.hide()

    def _undo(self) -> None:
        action, self._undo_action = self._undo_action, None
        self.hide()
        if action is not None:
            action()

    def _take_offer(self) -> None:
        offer, self._offer = self._offer, None
        self.hide()
        if offer is not None:
            offer.run()


def _icon(*, taken_away: bool, bad: bool) -> tuple[str, str]:
    if bad:
        return "circle-alert", "bad_text"
    return ("trash-2", "muted") if taken_away else ("check", "ok")
