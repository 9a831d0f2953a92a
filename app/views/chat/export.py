"""Writes a chat into a file the person chooses."""

import re
from pathlib import Path

from app.conversation_export import to_json, to_markdown
from app.conversations import ConversationStore
from app.view import View
from app.widgets.file_dialog import FileDialog

KINDS = {"markdown": ("md", "Markdown (*.md)"), "json": ("json", "JSON (*.json)")}


def document(store: ConversationStore, chat_id: str, kind: str) -> str:
    """The chat as text of a kind of KINDS."""
    conversation = store.get(chat_id)
    if kind == "json":
        return to_json(conversation, store.all_messages(chat_id))
    return to_markdown(conversation, store.path(chat_id))


def file_name(title: str, kind: str) -> str:
    """A name every file system takes."""
    words = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', " ", title)
    return f"{' '.join(words.split())[:80].strip(' .') or 'chat'}.{KINDS[kind][0]}"


def ask_and_write(view: View, store: ConversationStore, chat_id: str, kind: str) -> FileDialog:
    """Ask where to, then write; the window's banner tells when that fails."""
    ending, kinds = KINDS[kind]
    dialog = FileDialog(view, view.tr("Export the chat"), file_name(store.get(chat_id).title, kind), kinds)
    dialog.setAcceptMode(FileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(ending)
    dialog.fileSelected.connect(lambda path: write(view, document(store, chat_id, kind), Path(path)))
    dialog.open()
    return dialog


def write(view: View, text: str, path: Path) -> None:
    """Write `text` and say so."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        view.frame.error(error)
    else:
        view.frame.toast(view.tr("Exported to {0}").format(path.name))
