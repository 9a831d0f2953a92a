"""A scrolling column of messages of which only those near the eye are widgets, so that length costs nothing.

Heights of messages that were never shown are estimates; when one becomes real, what the person reads stays where it is.
Knows keys and a way to build a widget for one, nothing of conversations.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from app.theme import theme
from app.widgets.focus import hand_over_focus

BUDGET_S = 0.008  # of one turn of the event loop for building messages
NEAR_BOTTOM = 32  # pixels from the end that still count as "at the bottom"
AHEAD = 600  # pixels beyond the view that are built in advance
KEPT = 3000  # pixels beyond the view after which a widget is given up
SIDE = 24
TOP = 28
BOTTOM = 24

Build = Callable[[str, QWidget], QWidget]


@dataclass
class Slot:
    """One message's place: its height for `width`, and its widget while it is near the view."""

    key: str
    height: int
    widget: QWidget | None = field(default=None, repr=False)
    width: int = 0  # for which the height was measured; 0 when it must be measured again


class Transcript(QScrollArea):
    """Follows the end while the person is there; stays where they scrolled to otherwise.

    Signals:
        following_changed(bool): the view reached the end, or left it.
    """

    following_changed = Signal(bool)

    def __init__(self, build: Build, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._build = build
        self._slots: list[Slot] = []
        self._following = True
        self._placing = False
        self._content = QWidget()
        self.setWidget(self._content)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Conversation"))
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self.arrange)
        self.verticalScrollBar().setSingleStep(48)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    @property
    def following(self) -> bool:
        """Whether the view stays at the end while messages grow."""
        return self._following

    def show_messages(self, messages: Sequence[tuple[str, int]]) -> None:
        """Replace all by these keys with their estimated heights in pixels, and go to the end."""
        for slot in self._slots:
            self._give_up(slot)
        self._slots = [Slot(key, estimate) for key, estimate in messages]
        self._set_following(True)
        self._later.start()

    def update_messages(self, messages: Sequence[tuple[str, int]]) -> None:
        """Show these keys, keeping the widgets and the place of those that stay."""
        kept = {slot.key: slot for slot in self._slots}
        wanted = {key for key, _ in messages}
        for key in kept.keys() - wanted:
            self._give_up(kept[key])
        self._slots = [kept.get(key) or Slot(key, estimate) for key, estimate in messages]
        self._later.start()

    def is_settled(self) -> bool:
        """Whether all that is near the view is built and in its place."""
        return not self._later.isActive()

    def message_widget(self, key: str) -> QWidget | None:
        """The widget of a message while it has one."""
        return next((slot.widget for slot in self._slots if slot.key == key), None)

    def widgets(self) -> dict[str, QWidget]:
        """Those messages that are widgets at present, by key."""
        return {slot.key: slot.widget for slot in self._slots if slot.widget is not None}

    def jump_to_end(self) -> None:
        """Go to the end and follow it from now on."""
        self._set_following(True)
        self._later.start()

    def arrange(self) -> None:
        """Build what has come near, within the time budget, and put everything in its place."""
        if self._placing or not self.isVisible():
            return
        self._placing = True
        anchor, offset = self._anchor()
        complete = self._build_near(anchor, offset)
        self._place(anchor, offset)
        self._placing = False
        self._drop_far()
        if not complete:
            self._later.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._later.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._later.start()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.angleDelta().y() > 0 and self.verticalScrollBar().maximum() > 0:
            self._set_following(False)  # even while new text pushes the view down, the first notch up must count
        super().wheelEvent(event)

    # ---- geometry ---------------------------------------------------------------------------------------------------

    def _column_width(self) -> int:
        return max(200, min(theme.metrics.spacing["chat_column"], self.width() - 2 * SIDE))

    def _tops(self) -> list[int]:
        return list(accumulate((slot.height for slot in self._slots), initial=TOP))

    def _anchor(self) -> tuple[int, int]:
        """The message at the upper edge and how far it is scrolled out; it is what stays in place."""
        scroll = self.verticalScrollBar().value()
        tops = self._tops()
        index = max(0, min(bisect_right(tops, scroll) - 1, len(self._slots) - 1))
        return index, scroll - tops[index]

    def _scroll_wanted(self, anchor: int, offset: int, tops: list[int]) -> int:
        if self._following:
            return max(0, tops[-1] + BOTTOM - self.viewport().height())
        return tops[anchor] + offset

    def _build_near(self, anchor: int, offset: int) -> bool:
        """Build and measure around the view; False when the budget ended first."""
        deadline = time.perf_counter() + BUDGET_S
        width = self._column_width()
        while True:
            tops = self._tops()
            start = self._scroll_wanted(anchor, offset, tops)
            slot = self._next_to_measure(tops, start, width)
            if slot is None:
                return True
            self._measure(slot, width)
            if time.perf_counter() > deadline:
                return False

    def _next_to_measure(self, tops: list[int], start: int, width: int) -> Slot | None:
        """The unmeasured message nearest to the view's middle, among those near the view."""
        height = self.viewport().height()
        near = [
            (abs(tops[index] + slot.height / 2 - start - height / 2), index)
            for index, slot in enumerate(self._slots)
            if (slot.width != width or slot.widget is None)
            and tops[index] + slot.height > start - AHEAD
            and tops[index] < start + height + AHEAD
        ]
        return self._slots[min(near)[1]] if near else None

    def _measure(self, slot: Slot, width: int) -> None:
        if slot.widget is None:
            slot.widget = self._build(slot.key, self._content)
            slot.widget.installEventFilter(self)
        # Text knows its height only once it is shown at its width; until it has its place it is out of sight.
        slot.widget.setGeometry(0, -(1 << 20), width, slot.height)
        slot.widget.show()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        slot.height, slot.width = _height(slot.widget, width), width

    def _place(self, anchor: int, offset: int) -> None:
        width = self._column_width()
        tops = self._tops()
        left = (self.width() - width) // 2  # as if there were no scroll bar, in line with the field below
        self._content.resize(self.viewport().width(), max(self.viewport().height(), tops[-1] + BOTTOM))
        for slot, top in zip(self._slots, tops, strict=False):
            if slot.widget is not None:
                slot.widget.setGeometry(left, top, width, slot.height)
                slot.widget.show()
        self.verticalScrollBar().setValue(self._scroll_wanted(anchor, offset, tops))

    def _drop_far(self) -> None:
        start = self.verticalScrollBar().value() - KEPT
        end = self.verticalScrollBar().value() + self.viewport().height() + KEPT
        focus = QApplication.focusWidget()
        for slot, top in zip(self._slots, self._tops(), strict=False):
            far = top + slot.height < start or top > end
            if far and slot.widget is not None and not (focus and slot.widget.isAncestorOf(focus)):
                self._give_up(slot)

    def _give_up(self, slot: Slot) -> None:
        if slot.widget is not None:
            hand_over_focus(slot.widget)
            slot.widget.hide()
            slot.widget.deleteLater()
        slot.widget, slot.width = None, 0

    # ---- scrolling --------------------------------------------------------------------------------------------------

    def _on_scrolled(self, value: int) -> None:
        if self._placing:
            return
        self._set_following(value >= self.verticalScrollBar().maximum() - NEAR_BOTTOM)
        self.arrange()

    def _set_following(self, following: bool) -> None:
        if following != self._following:
            self._following = following
            self.following_changed.emit(following)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and watched is not self._content and not self._placing:
            self._on_layout_request(watched)
        elif event.type() == QEvent.Type.FocusIn and isinstance(watched, QWidget):
            self.ensureWidgetVisible(watched)
        return super().eventFilter(watched, event)

    def _on_layout_request(self, widget: QObject) -> None:
        """A message wants another height."""
        for slot in self._slots:
            if slot.widget is widget:
                slot.width = 0
        self._later.start()


def _height(widget: QWidget, width: int) -> int:
    if widget.hasHeightForWidth():
        return widget.heightForWidth(width)
    return widget.sizeHint().height()
