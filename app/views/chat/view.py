"""The Chat view: one conversation at a time, several answering at once. Connects page, listing, messages and composer."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout

from app.conversations import Conversation, ConversationStore, StoreError
from app.model_names import display_name
from app.pictures import Picture
from app.view import Frame, View
from app.views.chat.attachments import Attachment, with_attachments
from app.views.chat.dialogue import Dialogue
from app.views.chat.header import TASK
from app.views.chat.listing import Listing
from app.views.chat.messages import Messages
from app.views.chat.opening import open_store
from app.views.chat.page import ChatPage
from app.views.chat.room import room_words
from app.views.chat.sampling import parameters
from app.views.chat.sight import blind_words, left_out_words
from app.views.chat.system_prompt import SystemPromptPanel
from app.widgets.command_palette import Command
from sidecar.types import ModelInfo

DRAFT_DELAY_MS = 400
NEW = Conversation("", "", "", "", {}, False, 0.0, 0.0, "", None)


class ChatView(View):
    """Shown by the frame."""

    name = "chat"
    title = "Chat"
    icon = "message-circle"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.dialogue = Dialogue(self.session, open_store(self.session.paths.conversations), self)
        self.messages = Messages(self.dialogue, self)
        self.page = ChatPage(self.messages.build)
        self.messages.show_in(self.page.transcript)
        self.listing = Listing(self, self.page.sidebar, self.dialogue)
        self.chat = NEW
        self._prompt_panel: SystemPromptPanel | None = None
        self._draft_timer = QTimer(self, singleShot=True, interval=DRAFT_DELAY_MS)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.page)
        self._connect()
        self.show_chat(self._last_chat())

    # ---- which chat is shown ----------------------------------------------------------------------------------------

    def show_chat(self, chat_id: str) -> None:
        """Show a conversation; an empty id begins a new one."""
        self._save_draft()
        self.chat = self._store.get(chat_id) if chat_id else replace(NEW, draft=self._new_draft())
        self.preferences.put("chosen", "conversation", chat_id)
        self.listing.mark(chat_id)
        self.page.composer.clear()
        self.page.composer.set_text(self.chat.draft)
        self.messages.show_conversation(chat_id)
        self._show_models()
        self._show_settings()

    def new_chat(self) -> None:
        """Begin a new conversation with the same model."""
        model = self.chat.model
        self.frame.show_view(self.name)
        self.show_chat("")
        self._choose_model(model)

    def use_model(self, model_id: str) -> None:
        """Begin a new conversation with this model."""
        self.show_chat("")
        self._choose_model(model_id)

    def activated(self) -> None:
        self.page.composer.field.setFocus()

    def kept_clear(self) -> int:
        return self.page.composer.height()

    def closing(self) -> None:
        self._save_draft()
        self.dialogue.answers.flush()

    # ---- asking -----------------------------------------------------------------------------------------------------

    def ask(self, text: str, attachments: list[Attachment], pictures: Sequence[Picture] = ()) -> None:
        """Send a question, as soon as there is a model to answer it."""
        if not self.chat.model:
            self.page.header.picker.open_popup()
            return
        content = with_attachments(text, attachments)
        try:
            if not self.chat.id:
                self._create()
            self.page.composer.clear()
            self.dialogue.ask(self.chat.id, content, pictures)
            self.chat = self._store.get(self.chat.id)
            self._save_draft()
        except StoreError as error:
            self.page.composer.set_text(text)
            self.frame.error(error)

    def _create(self) -> None:
        new = self.chat
        self.chat = self._store.create("", new.model, new.system_prompt, new.sampling)
        self.preferences.put("drafts", self.name, "")
        self.preferences.put("chosen", "conversation", self.chat.id)
        self.messages.show_conversation(self.chat.id)
        self.listing.mark(self.chat.id)

    # ---- what belongs to the chat -----------------------------------------------------------------------------------

    def _choose_model(self, model_id: str) -> None:
        """Who has chosen asks next."""
        self._set_model(model_id)
        self.page.composer.field.setFocus()

    def _set_model(self, model_id: str) -> None:
        if not model_id:
            return
        self.chat = replace(self.chat, model=model_id)
        if self.chat.id:
            self._store.set_model(self.chat.id, model_id)
            self.listing.refresh()
        self.preferences.put("chosen", self.name, model_id)
        self._show_models()

    def _set_sampling(self, values: dict[str, object]) -> None:
        self.chat = replace(self.chat, sampling=values)
        if self.chat.id:
            self._store.set_sampling(self.chat.id, values)
        self._show_sampling()

    def _set_system_prompt(self, text: str) -> None:
        self.chat = replace(self.chat, system_prompt=text)
        if self.chat.id:
            self._store.set_system_prompt(self.chat.id, text)
        self.page.composer.set_system_prompt(text)
        self._show_room()

    def _save_draft(self) -> None:
        self._draft_timer.stop()
        text = self.page.composer.text()
        if not self.chat.id:
            self.preferences.put("drafts", self.name, text)
        elif text != self.chat.draft:
            self.chat = replace(self.chat, draft=text)
            self._store.set_draft(self.chat.id, text)

    # ---- showing ----------------------------------------------------------------------------------------------------

    def _show_models(self) -> None:
        if not self.chat.model:
            self.chat = replace(self.chat, model=self._default_model())
        self.page.header.show_models(self.session.models, self.chat.model)
        model = self._model()
        if model is not None:
            self.page.invitation.show_model(display_name(model), local_help=model.builtin)
        self._show_sampling()
        self._show_sight()
        self._show_room()

    def _show_settings(self) -> None:
        model = self._model()
        defaults = {row.key: getattr(model, row.key, None) for row in parameters()} if model else {}
        self.page.drawer.set_values(dict(self.chat.sampling), defaults)  # type: ignore[arg-type]
        self.page.composer.set_system_prompt(self.chat.system_prompt)

    def _show_sampling(self) -> None:
        own = bool(self.chat.sampling.keys() - {"truncate"})
        self.page.header.show_sampling(is_open=self.page.drawer.is_open(), customised=own)

    def _show_path(self) -> None:
        if self.chat.id:
            self.chat = self._store.get(self.chat.id)
        self.page.show_conversation(empty=not self.messages.path)
        self.page.header.export_button.setEnabled(bool(self.messages.path))
        self._show_answering()
        self._show_sight()
        self._show_room()

    def _show_answering(self) -> None:
        self.page.composer.set_answering(bool(self.dialogue.answers.running_in(self.chat.id)))

    def _show_sight(self) -> None:
        model, earlier = self._model(), any(message.pictures for message in self.messages.path)
        blind = blind_words(model, self.session.models)
        self.page.composer.set_sight(blind, left_out_words(model) if earlier else "")

    def _show_room(self) -> None:
        content = with_attachments(self.page.composer.text(), self.page.composer.attachments())
        pictures = len(self.page.composer.pictures())
        words, scarce = room_words(self._model(), self.chat.system_prompt, self.messages.path, content, pictures)
        self.page.composer.set_room(words, scarce=scarce)

    # ---- connections ------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        page, composer = self.page, self.page.composer
        page.sidebar.new_requested.connect(self.new_chat)
        page.sidebar.chosen.connect(self.show_chat)
        page.header.picked.connect(self._choose_model)
        page.header.picker.more_requested.connect(lambda: self.frame.show_view("models").use_model(self.chat.model))
        page.header.sampling_requested.connect(self.toggle_sampling)
        page.header.list_requested.connect(self.toggle_list)
        page.header.export_requested.connect(self._export)
        page.drawer.changed.connect(self._set_sampling)
        page.drawer.toggled.connect(self._show_sampling)
        page.invitation.suggested.connect(lambda question: self.ask(question, []))
        composer.submitted.connect(self.ask)
        composer.stop_requested.connect(self.stop)
        composer.edited.connect(self._on_edited)
        composer.system_prompt_requested.connect(self.edit_system_prompt)
        composer.refused.connect(self.frame.toast)
        self._draft_timer.timeout.connect(self._save_draft)
        self.messages.path_shown.connect(self._show_path)
        self.messages.forked.connect(self.show_chat)
        self.messages.model_wanted.connect(page.header.picker.open_popup)
        self.messages.copied.connect(lambda: self.frame.toast(self.tr("Copied")))
        self.listing.removed.connect(lambda chat_id: self.show_chat("") if chat_id == self.chat.id else None)
        self.listing.restored.connect(self.show_chat)
        self.dialogue.answers.busy_changed.connect(self._show_answering)
        self.session.models_changed.connect(self._show_models)

    def _on_edited(self) -> None:
        self._draft_timer.start()
        self._show_room()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.dialogue.answers.running_in(self.chat.id):
            self.stop()
        else:
            super().keyPressEvent(event)

    # ---- commands ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the answer of the chat in view."""
        self.dialogue.stop(self.chat.id)

    def toggle_sampling(self) -> None:
        """Open or close the drawer."""
        self.frame.show_view(self.name)
        self.page.drawer.set_open(not self.page.drawer.is_open())

    def toggle_list(self) -> None:
        """Show or hide the list of chats."""
        self.page.show_list(self.page.sidebar.isHidden())

    def search_chats(self) -> None:
        """Put the cursor into the search field."""
        self.frame.show_view(self.name)
        self.page.show_list(True)
        self.page.sidebar.search.setFocus()

    def edit_system_prompt(self) -> None:
        """Open the panel for this chat's system prompt."""
        if self._prompt_panel is None:
            self._prompt_panel = SystemPromptPanel(self)
            self._prompt_panel.saved.connect(self._set_system_prompt)
        self._prompt_panel.edit(self.chat.system_prompt)

    def commands(self) -> list[Command]:
        chat = self.tr("Chat")
        found = [
            Command("chat-new", self.tr("New chat"), self.new_chat, chat, "square-pen", "Ctrl+N"),
            Command("chat-search", self.tr("Search chats"), self.search_chats, chat, "search", "Ctrl+Shift+F"),
            Command("chat-list", self.tr("Show or hide the chats"), self.toggle_list, chat, "list", "Ctrl+B"),
            Command("chat-sampling", self.tr("Sampling"), self.toggle_sampling, chat, "sliders-horizontal", "Ctrl+."),
            Command("chat-prompt", self.tr("System prompt"), self.edit_system_prompt, chat, "book-open"),
            Command("chat-attach", self.tr("Attach files"), self.page.composer.choose_files, chat, "paperclip"),
        ]
        if self.dialogue.answers.running_in(self.chat.id):
            found.append(Command("chat-stop", self.tr("Stop the answer"), self.stop, chat, "square", "Esc"))
        if self.messages.path:
            found += [
                Command("chat-copy", self.tr("Copy the last answer"), self.messages.copy_last_answer, chat, "copy"),
                Command("chat-md", self.tr("Export as Markdown"), lambda: self._export("markdown"), chat, "share"),
                Command("chat-json", self.tr("Export as JSON"), lambda: self._export("json"), chat, "share"),
                Command("chat-delete", self.tr("Delete this chat"), self._delete, chat, "trash-2"),
            ]
        return found

    def _export(self, kind: str) -> None:
        self.listing.export(self.chat.id, kind)

    def _delete(self) -> None:
        self.listing.delete(self.chat.id)

    # ---- helpers of the above ---------------------------------------------------------------------------------------

    @property
    def _store(self) -> ConversationStore:
        return self.dialogue.store

    def _model(self) -> ModelInfo | None:
        return self.session.model(self.chat.model)

    def _default_model(self) -> str:
        able = [model for model in self.session.models if model.model_type == TASK]
        chosen = self.preferences.table.chosen.get(self.name, "")
        ranked = sorted(able, key=lambda model: (model.id != chosen, not model.is_loaded, not model.builtin))
        return ranked[0].id if ranked else ""

    def _new_draft(self) -> str:
        return self.preferences.table.drafts.get(self.name, "")

    def _last_chat(self) -> str:
        chat_id = self.preferences.table.chosen.get("conversation", "")
        return chat_id if any(chat.id == chat_id for chat in self._store.chats()) else ""
