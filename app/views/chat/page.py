"""The widgets of the Chat view and where they stand. Holds no logic: view.py connects them."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QSpacerItem, QStackedWidget, QVBoxLayout, QWidget

from app.theme import theme
from app.views.chat.composer_panel import ComposerPanel
from app.views.chat.header import ChatHeader
from app.views.chat.invitation import Invitation
from app.views.chat.sampling_drawer import SamplingDrawer
from app.views.chat.sidebar import ChatSidebar
from app.views.chat.transcript import Transcript
from app.widgets.button import Button
from app.widgets.hairline import Hairline
from app.widgets.shadow import SPREAD

NARROW = 820  # below this width the list of chats hides by itself
EDGE = 24
BESIDE_DRAWER = 600  # the conversation keeps at least this width beside the drawer, or the drawer covers it


class ChatPage(QWidget):
    """Sidebar, conversation, drawer.

    Signals:
        narrow_changed(bool): the page has become too narrow for the list of chats, or wide enough again.
    """

    narrow_changed = Signal(bool)

    def __init__(self, build_message: Callable[[str, QWidget], QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sidebar = ChatSidebar()
        self.header = ChatHeader()
        self.invitation = Invitation()
        self.transcript = Transcript(build_message)
        self.composer = ComposerPanel()
        self.drawer = SamplingDrawer(self)
        self.jump = Button(self.tr("Jump to latest"), "secondary", "chevron-down", compact=True, parent=self.transcript)
        self.stack = QStackedWidget()
        self._drawer_room = QSpacerItem(0, 0, QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Minimum)
        self._narrow = False
        self._lay_out()
        self._float_drawer()
        self.jump.hide()
        self.jump.clicked.connect(self.transcript.jump_to_end)
        self.transcript.following_changed.connect(self._on_following)
        self.transcript.installEventFilter(self)

    def show_conversation(self, *, empty: bool) -> None:
        """Show the messages, or the invitation while there are none."""
        typing_is_next = self.stack.isAncestorOf(QApplication.focusWidget() or self)
        self.stack.setCurrentWidget(self.invitation if empty else self.transcript)
        if empty and typing_is_next:  # else Qt would hand the focus to the first suggestion
            self.composer.field.setFocus()

    def show_list(self, shown: bool) -> None:
        """Show or hide the list of chats."""
        self.sidebar.setVisible(shown)
        self.header.list_button.setVisible(not shown or self._narrow)

    def minimumSizeHint(self) -> QSize:
        return QSize(480, 360)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_drawer()
        narrow = self.width() < NARROW
        if narrow != self._narrow:
            self._narrow = narrow
            self.show_list(not narrow)
            self.narrow_changed.emit(narrow)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide):
            self._place_drawer() if watched is self.drawer else self._place_jump()
        return False

    def _lay_out(self) -> None:
        self.stack.addWidget(self.invitation)
        self.stack.addWidget(self.transcript)
        self.composer.setMaximumWidth(theme.metrics.spacing["chat_column"] + 2 * SPREAD)
        centred = QHBoxLayout()
        centred.setContentsMargins(EDGE - SPREAD, 0, EDGE - SPREAD, EDGE - SPREAD)
        centred.addStretch(1)
        centred.addWidget(self.composer, 1000)
        centred.addStretch(1)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.header)
        middle.addWidget(Hairline())
        middle.addWidget(self.stack, 1)
        middle.addLayout(centred)
        self._row = row = QHBoxLayout(self)
        row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)  # the list of chats makes room by itself
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addLayout(middle, 1)
        row.addSpacerItem(self._drawer_room)
        self.setTabOrder(self.sidebar, self.header)

    def _float_drawer(self) -> None:
        """The drawer stands above the row, so that it can cover the conversation where there is no room beside it."""
        self.drawer.setProperty("ground", "background")
        self.drawer.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.drawer.installEventFilter(self)

    def _place_drawer(self) -> None:
        width = self.drawer.width() if self.drawer.isVisible() else 0
        beside = self.width() - self.sidebar.width() * self.sidebar.isVisible() - width >= BESIDE_DRAWER
        self._drawer_room.changeSize(width if beside else 0, 0, QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Minimum)
        self._row.invalidate()
        self.drawer.setGeometry(self.width() - width, 0, width, self.height())
        self.drawer.raise_()

    def _on_following(self, following: bool) -> None:
        self.jump.setVisible(not following)
        self._place_jump()

    def _place_jump(self) -> None:
        self.jump.adjustSize()
        self.jump.move((self.transcript.width() - self.jump.width()) // 2, self.transcript.height() - 40)
        self.jump.raise_()
