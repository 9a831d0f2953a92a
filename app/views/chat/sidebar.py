"""The list of conversations with its search field. Asks by signals; what the answers are, the view decides."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListView, QMenu, QVBoxLayout, QWidget

from app.models.chat_list import ChatListModel, ChatRow, Index
from app.theme import theme
from app.views.chat.chat_delegate import ChatDelegate
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.search_field import SearchField

SEARCH_DELAY_MS = 150
MINUTE_MS = 30_000


class ChatSidebar(QFrame):
    """Search on top, conversations below.

    Signals:
        search_changed(str): what is searched for, a moment after typing.
        new_requested: a new chat is wanted.
        chosen(str): the conversation of this id is to be shown.
        renamed(str, str): id and new title.
        pin_requested(str, bool): pin or unpin.
        delete_requested(str): take away.
        export_requested(str, str): id and "markdown" or "json".
    """

    search_changed = Signal(str)
    new_requested = Signal()
    chosen = Signal(str)
    renamed = Signal(str, str)
    pin_requested = Signal(str, bool)
    delete_requested = Signal(str)
    export_requested = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("hairline", "right")
        self.search = SearchField(self.tr("Search chats"))
        self.new_button = IconButton("square-pen", self.tr("New chat (Ctrl+N)"), "text", framed=True)
        self.model = ChatListModel(self)
        self.list = ChatList(self.model)
        self.nothing = Label("", "muted", "control", wrap=True)
        self._lay_out()
        self._connect()
        self.set_rows([])

    def set_rows(self, rows: Sequence[ChatRow], current: str = "") -> None:
        """Show these conversations with the one of id `current` marked."""
        with_focus = self.list.hasFocus()
        self.model.set_rows(rows)
        self.mark(current)
        searching = bool(self.search.text().strip())
        self.nothing.setText(
            self.tr("No chat holds these words.") if searching else self.tr("Your chats will be listed here.")
        )
        self.nothing.setVisible(not rows)
        if with_focus:
            self.list.setFocus()

    def mark(self, conversation_id: str) -> None:
        """Mark a conversation as the one shown; says nothing by signals."""
        index = self.model.index_of(conversation_id)
        self.list.announcing = False
        self.list.setCurrentIndex(index)
        if not index.isValid():
            self.list.clearSelection()
        self.list.announcing = True

    def rename(self, conversation_id: str) -> None:
        """Edit the title in place."""
        index = self.model.index_of(conversation_id)
        if index.isValid():
            self.list.edit(index)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(12, 13, 12, 0)
        top.setSpacing(8)
        top.addWidget(self.search, 1)
        top.addWidget(self.new_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, 0)
        column.setSpacing(0)
        column.addLayout(top)
        beside = QHBoxLayout()  # a label's own margins would not survive another theme
        beside.setContentsMargins(22, 14, 22, 0)
        beside.addWidget(self.nothing)
        column.addLayout(beside)
        column.addWidget(self.list, 1)
        self.setFixedWidth(theme.metrics.spacing["sidebar_width"])

    def _connect(self) -> None:
        self._searching = QTimer(self, singleShot=True, interval=SEARCH_DELAY_MS)
        self._searching.timeout.connect(lambda: self.search_changed.emit(self.search.text().strip()))
        self.search.textChanged.connect(self._searching.start)
        self.search.moved.connect(self.list.step)
        self.search.returnPressed.connect(self.list.setFocus)
        self.new_button.clicked.connect(self.new_requested)
        self.model.renamed.connect(self.renamed)
        self.list.chosen.connect(self.chosen)
        self.list.menu_requested.connect(self._open_menu)
        self.list.delete_requested.connect(self.delete_requested)
        ticking = QTimer(self, interval=MINUTE_MS)
        ticking.timeout.connect(self.model.refresh_times)
        ticking.start()

    def _open_menu(self, conversation_id: str, where: QPoint) -> None:
        row = next((row for row in self.model.chats() if row.id == conversation_id), None)
        if row is not None:
            self.menu(row).popup(where)

    def menu(self, row: ChatRow) -> QMenu:
        """What can be done with a conversation."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        pin, icon = (self.tr("Unpin"), "pin-off") if row.pinned else (self.tr("Pin"), "pin")
        menu.addAction(theme.icon("pencil"), self.tr("Rename"), lambda: self.rename(row.id))
        menu.addAction(theme.icon(icon), pin, lambda: self.pin_requested.emit(row.id, not row.pinned))
        menu.addSeparator()
        for kind, title in (("markdown", self.tr("Export as Markdown…")), ("json", self.tr("Export as JSON…"))):
            menu.addAction(theme.icon("share"), title, lambda kind=kind: self.export_requested.emit(row.id, kind))
        menu.addSeparator()
        menu.addAction(theme.icon("trash-2"), self.tr("Delete"), lambda: self.delete_requested.emit(row.id))
        return menu


class ChatList(QListView):
    """The rows; the current one is the conversation shown.

    Signals:
        chosen(str): the person moved to another conversation.
        menu_requested(str, QPoint): for this conversation, at this point of the screen.
        delete_requested(str): Delete was pressed.
    """

    chosen = Signal(str)
    menu_requested = Signal(str, QPoint)
    delete_requested = Signal(str)

    def __init__(self, model: ChatListModel) -> None:
        super().__init__()
        self.announcing = True
        self._model = model
        delegate = ChatDelegate(self)
        delegate.menu_requested.connect(self._on_menu_button)
        self.setItemDelegate(delegate)
        self.setModel(model)
        self.setAccessibleName(self.tr("Chats"))
        self.setMouseTracking(True)
        self.setEditTriggers(QListView.EditTrigger.EditKeyPressed | QListView.EditTrigger.DoubleClicked)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def step(self, by: int) -> None:
        """Move to the next (1) or the previous (-1) conversation."""
        chats = self._model.chats()
        row = self._model.row_at(self.currentIndex())
        if chats:
            place = chats.index(row) + by if row in chats else 0
            self.setCurrentIndex(self._model.index_of(chats[max(0, min(place, len(chats) - 1))].id))

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        row = self._model.row_at(current)
        if row is not None and self.announcing:
            self.chosen.emit(row.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self._model.row_at(self.currentIndex())
        if row is not None and event.key() == Qt.Key.Key_Delete:
            self.delete_requested.emit(row.id)
        elif row is not None and event.key() == Qt.Key.Key_Menu:
            self._on_menu_button(row.id, self.visualRect(self.currentIndex()))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        row = self._model.row_at(self.indexAt(event.pos()))
        if row is not None:
            self.menu_requested.emit(row.id, event.globalPos())

    def _on_menu_button(self, conversation_id: str, spot: QRect) -> None:
        self.menu_requested.emit(conversation_id, self.viewport().mapToGlobal(spot.bottomLeft()))
