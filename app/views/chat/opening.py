"""Opens the chats' file for the view, whatever state it is in."""

from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app import operations
from app.conversations import ConversationStore, StoreError

DELETED_KEPT_S = 86_400.0


def open_store(path: Path) -> ConversationStore:
    """The store of the chats; in memory where the file cannot be used, and the banner says so: better than no window."""
    try:
        store = ConversationStore(path)
    except StoreError as error:
        operations.report(StoreError(_tr("{0} New chats last until the window closes.").format(error)))
        return ConversationStore(Path(":memory:"))
    if store.set_aside is not None:
        words = _tr("The chats' file was damaged. It was put aside as {0}; the list begins anew.")
        operations.report(StoreError(words.format(store.set_aside)))
    store.purge(DELETED_KEPT_S)
    return store


def _tr(text: str) -> str:
    return QCoreApplication.translate("ChatStore", text)
