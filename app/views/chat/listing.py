"""The sidebar at work: lists and searches the stored chats, renames, pins, deletes with undo, exports."""

from PySide6.QtCore import QObject, QTimer, Signal

from app.conversations import ChatSummary
from app.model_names import display_name
from app.models.chat_list import ChatRow
from app.view import View
from app.views.chat import export
from app.views.chat.dialogue import Dialogue
from app.views.chat.sidebar import ChatSidebar


class Listing(QObject):
    """Keeps the sidebar true.

    Signals:
        removed(str): this conversation was deleted; it is not to be shown any more.
        restored(str): its deletion was undone.
    """

    removed = Signal(str)
    restored = Signal(str)

    def __init__(self, view: View, sidebar: ChatSidebar, dialogue: Dialogue) -> None:
        super().__init__(view)
        self._view, self._sidebar, self._dialogue = view, sidebar, dialogue
        self._store = dialogue.store
        self._query = ""
        self._current = ""
        self._refreshing = QTimer(self, singleShot=True, interval=0)
        self._refreshing.timeout.connect(self.refresh)
        dialogue.list_changed.connect(self._refreshing.start)
        dialogue.answers.busy_changed.connect(self._show_busy)
        view.session.models_changed.connect(self._refreshing.start)
        sidebar.search_changed.connect(self._search)
        sidebar.renamed.connect(self._rename)
        sidebar.pin_requested.connect(self._pin)
        sidebar.delete_requested.connect(self.delete)
        sidebar.export_requested.connect(self.export)
        self.refresh()

    def refresh(self) -> None:
        """List what the store has now."""
        busy = self._dialogue.answers.busy()
        rows = [self._row(chat, chat.id in busy) for chat in self._store.chats(self._query)]
        self._sidebar.set_rows(rows, self._current)

    def mark(self, chat_id: str) -> None:
        """Remember and show which conversation is in view."""
        self._current = chat_id
        self._sidebar.mark(chat_id)

    def delete(self, chat_id: str) -> None:
        """Take a conversation away, with a way back."""
        self._dialogue.stop(chat_id)
        self._store.delete(chat_id)
        self.removed.emit(chat_id)
        self.refresh()
        self._view.frame.toast(self.tr("Chat deleted"), lambda: self._restore(chat_id))

    def export(self, chat_id: str, kind: str) -> None:
        """Ask for a file and write the conversation into it."""
        export.ask_and_write(self._view, self._store, chat_id, kind)

    def _row(self, chat: ChatSummary, busy: bool) -> ChatRow:
        model = self._view.session.model(chat.model)
        name = display_name(model) if model else chat.model.rpartition("/")[2]
        return ChatRow(chat.id, chat.title or self.tr("New chat"), name, chat.updated, chat.pinned, busy, chat.excerpt)

    def _search(self, query: str) -> None:
        self._query = query
        self.refresh()

    def _rename(self, chat_id: str, title: str) -> None:
        self._store.rename(chat_id, title)
        self._refreshing.start()

    def _pin(self, chat_id: str, pinned: bool) -> None:
        self._store.set_pinned(chat_id, pinned)
        self.refresh()

    def _restore(self, chat_id: str) -> None:
        self._store.restore(chat_id)
        self.refresh()
        self.restored.emit(chat_id)

    def _show_busy(self) -> None:
        self._sidebar.model.set_busy(self._dialogue.answers.busy())
