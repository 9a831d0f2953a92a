"""The transcript at work: builds the messages of the conversation in view and carries out what is asked of them."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.conversations import Message
from app.views.chat.answer_message import AnswerMessage
from app.views.chat.dialogue import Dialogue
from app.views.chat.transcript import Transcript
from app.views.chat.user_message import UserMessage
from app.widgets.link_dialog import LinkDialog

LINE = 23  # pixels; for estimates only
CHARACTERS = 95
AROUND = 70
PICTURE = 160


class Messages(QObject):
    """Shows one conversation at a time.

    Signals:
        path_shown(): the messages in view are others than before.
        forked(str): a conversation of this id was made from a message.
        model_wanted(): an answer failed and another model may help.
        copied(): something is on the clipboard now.
    """

    path_shown = Signal()
    forked = Signal(str)
    model_wanted = Signal()
    copied = Signal()

    def __init__(self, dialogue: Dialogue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._dialogue = dialogue
        self._transcript: Transcript | None = None
        self._chat_id = ""
        self.path: list[Message] = []
        dialogue.path_changed.connect(self._on_path_changed)
        dialogue.answers.grown.connect(self._on_grown)
        dialogue.answers.ended.connect(self._on_ended)

    def show_in(self, transcript: Transcript) -> None:
        """Use this transcript, whose messages are built by `build`."""
        self._transcript = transcript

    def show_conversation(self, chat_id: str) -> None:
        """Show another conversation, at its end; an empty id shows none."""
        self._chat_id = chat_id
        self._read_path()
        if self._transcript is not None:
            self._transcript.show_messages([(message.id, estimated_height(message)) for message in self.path])
        self.path_shown.emit()

    def build(self, message_id: str, parent: QWidget) -> QWidget:
        """The widget of a message of the conversation in view."""
        message = self._message(message_id)
        widget: UserMessage | AnswerMessage
        if message.role == "user":
            widget = UserMessage(message, self._dialogue.place(message_id), parent)
        else:
            widget = AnswerMessage(self._dialogue.facts(message), parent)
        widget.asked.connect(partial(self._on_asked, message_id))
        return widget

    def copy_last_answer(self) -> None:
        """Put the latest answer on the clipboard."""
        answers = [message for message in self.path if message.role == "assistant"]
        if answers:
            self._copy(answers[-1].id, None)

    # ---- what happens to messages -----------------------------------------------------------------------------------

    def _on_path_changed(self, chat_id: str) -> None:
        if chat_id != self._chat_id or self._transcript is None:
            return
        self._read_path()
        self._transcript.update_messages([(message.id, estimated_height(message)) for message in self.path])
        for message_id in self._transcript.widgets():
            self._show_facts(message_id)
        self._transcript.jump_to_end()
        self.path_shown.emit()

    def _on_grown(self, message_id: str) -> None:
        self._show_facts(message_id)

    def _on_ended(self, message_id: str) -> None:
        if any(message.id == message_id for message in self.path):
            self._read_path()
            self._show_facts(message_id)
            self.path_shown.emit()

    def _show_facts(self, message_id: str) -> None:
        widget = self._transcript.message_widget(message_id) if self._transcript else None
        if isinstance(widget, AnswerMessage):
            widget.show_facts(self._dialogue.facts(self._message(message_id)))

    def _read_path(self) -> None:
        self.path = self._dialogue.store.path(self._chat_id) if self._chat_id else []

    def _message(self, message_id: str) -> Message:
        return next(message for message in self.path if message.id == message_id)

    # ---- what is asked of them --------------------------------------------------------------------------------------

    def _on_asked(self, message_id: str, action: str, value: object) -> None:
        dialogue = self._dialogue
        actions: dict[str, Callable[[], object]] = {
            "regenerate": lambda: dialogue.regenerate(message_id),
            "retry": lambda: dialogue.retry(message_id),
            "continue": lambda: dialogue.resume(message_id),
            "truncate": lambda: dialogue.retry_truncated(message_id),
            "fork": lambda: self.forked.emit(dialogue.fork(message_id)),
            "model": lambda: self.model_wanted.emit(),
            "edit": lambda: dialogue.edit(message_id, str(value)),
            "branch": lambda: dialogue.step(message_id, int(str(value))),
            "copy": lambda: self._copy(message_id, value),
            "link": lambda: LinkDialog(str(value), self._transcript).open(),
        }
        actions[action]()

    def _copy(self, message_id: str, text: object) -> None:
        content = text if isinstance(text, str) else self._dialogue.facts(self._message(message_id)).text
        QGuiApplication.clipboard().setText(content)
        self.copied.emit()


def estimated_height(message: Message) -> int:
    """About how high a message will be, until it is built."""
    lines = sum(1 + len(line) // CHARACTERS for line in message.content.splitlines()[:2000])
    return AROUND + LINE * max(1, lines) + (PICTURE if message.pictures else 0)
