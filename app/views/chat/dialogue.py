"""What can be done with a chat: ask, answer again, continue, edit, branch, fork. Store and running answers together.

Knows no widget. Every change is in the store before a signal tells of it.
"""

from collections.abc import Sequence
from itertools import chain, count
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.conversations import Conversation, ConversationStore, Message
from app.pictures import Picture
from app.session import Session
from app.views.chat.answer_facts import AnswerFacts
from app.views.chat.answers import Answers
from app.views.chat.attachments import without_attachments
from app.views.chat.sight import sees
from app.views.chat.stored_answer import from_message
from sidecar.types import GenerateRequest, ImagePart, ImageUrl, TextPart
from sidecar.types import Message as WireMessage

TITLE_LENGTH = 60


class Dialogue(QObject):
    """All chats.

    Signals:
        path_changed(str): the messages shown in this conversation are others now.
        list_changed(): a conversation came, went, or moved.
    """

    path_changed = Signal(str)
    list_changed = Signal()

    def __init__(self, session: Session, store: ConversationStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._session = session
        self.answers = Answers(session, store, self)
        self.answers.ended.connect(lambda _message: self.list_changed.emit())

    def facts(self, message: Message) -> AnswerFacts:
        """An answer as it is now: the running one, else the stored one."""
        place = self.place(message.id)
        running = self.answers.facts(message.id)
        if running is None:
            return from_message(message, place)
        return running

    def place(self, message_id: str) -> tuple[int, int]:
        """Which version this is, from 0, and how many there are."""
        versions = self.store.siblings(message_id)
        return versions.index(message_id), len(versions)

    def ask(self, chat_id: str, content: str, pictures: Sequence[Picture] = ()) -> None:
        """Add a question and have it answered. Raises StoreError."""
        first = self.store.get(chat_id).active_leaf is None
        question = self.store.add_message(chat_id, "user", content, pictures=pictures)
        if first and not self.store.get(chat_id).title:
            self.store.rename(chat_id, title_of(question))
        self._answer(chat_id)

    def regenerate(self, message_id: str) -> None:
        """Write another version of an answer."""
        chat = self._chat_of(message_id)
        self.answers.stop(message_id)
        version = self.store.add_sibling(message_id, "", status="partial", model=chat.model)
        self._start(chat, version)

    def retry(self, message_id: str) -> None:
        """Try a failed answer again: in its place if it has no text, else as another version, so that none is lost."""
        if self.store.message(message_id).content:
            self.regenerate(message_id)
        else:
            self.store.continue_message(message_id)
            self._start(self._chat_of(message_id), self.store.message(message_id))

    def resume(self, message_id: str) -> None:
        """Let the model go on where an answer ends."""
        self.store.continue_message(message_id)
        self._start(self._chat_of(message_id), self.store.message(message_id))

    def retry_truncated(self, message_id: str) -> None:
        """Try again, from now on leaving out this chat's oldest turns when it is too long."""
        chat = self._chat_of(message_id)
        self.store.set_sampling(chat.id, chat.sampling | {"truncate": True})
        self.retry(message_id)

    def edit(self, message_id: str, content: str) -> None:
        """Another version of a message; a question is answered anew, an answer stands as written."""
        old = self.store.message(message_id)
        if content == old.content:
            return
        self.store.add_sibling(message_id, content, model=old.model)
        if old.role == "user":
            self._answer(old.conversation_id)
        else:
            self.path_changed.emit(old.conversation_id)

    def step(self, message_id: str, by: int) -> None:
        """Show the next or previous version of a message, with all that follows it."""
        versions = self.store.siblings(message_id)
        wanted = versions.index(message_id) + by
        if 0 <= wanted < len(versions):
            self.store.switch_branch(versions[wanted])
            self.path_changed.emit(self.store.message(message_id).conversation_id)

    def fork(self, message_id: str) -> str:
        """Copy the chat up to a message into a new one; returns its id."""
        chat = self._chat_of(message_id)
        path = self.store.path(chat.id)
        copy = self.store.create(self._title_of_fork(chat, path[0]), chat.model, chat.system_prompt, chat.sampling)
        for message in path:
            status = "interrupted" if message.status == "partial" else message.status
            self.store.add_message(
                copy.id,
                message.role,
                message.content,
                status=status,
                model=message.model,
                facts=message.facts,
                pictures=message.pictures,
            )
            if message.id == message_id:
                break
        self.list_changed.emit()
        return copy.id

    def _title_of_fork(self, chat: Conversation, first: Message) -> str:
        """A title that a person gave stays; any other follows the question that the copy begins with. None occurs twice."""
        questions = {title_of(self.store.message(version)) for version in self.store.siblings(first.id)}
        title = title_of(first) if chat.title in questions else chat.title
        taken = {known.title for known in self.store.chats()}
        numbered = (f"{title} ({number})" for number in count(2))
        return next(name for name in chain([title], numbered) if name not in taken)

    def stop(self, chat_id: str) -> None:
        """Stop what is being written in a chat."""
        for message_id in self.answers.running_in(chat_id):
            self.answers.stop(message_id)

    # ---- requests ---------------------------------------------------------------------------------------------------

    def request(self, chat: Conversation, path: list[Message]) -> GenerateRequest:
        """The system prompt, the path, and the chat's sampling; a path that ends in an answer asks to continue it."""
        messages = [WireMessage("system", chat.system_prompt)] if chat.system_prompt else []
        seen = sees(self._session.model(chat.model))
        messages += [_wired(message, seen) for message in path if message.content or (seen and message.pictures)]
        values: dict[str, Any] = {
            key: value for key, value in chat.sampling.items() if key in GenerateRequest.__struct_fields__
        }
        return GenerateRequest(**values | {"messages": messages, "stream": True})

    def _answer(self, chat_id: str) -> None:
        chat = self.store.get(chat_id)
        self._start(chat, self.store.add_message(chat_id, "assistant", "", status="partial", model=chat.model))

    def _start(self, chat: Conversation, message: Message) -> None:
        path = self.store.path(chat.id)
        upto = next(place for place, entry in enumerate(path) if entry.id == message.id)
        request = self.request(chat, path[: upto + 1])
        self.answers.start(chat.id, message.id, chat.model, request, message.content)
        self.path_changed.emit(chat.id)
        self.list_changed.emit()

    def _chat_of(self, message_id: str) -> Conversation:
        return self.store.get(self.store.message(message_id).conversation_id)


def _wired(message: Message, seen: bool) -> WireMessage:
    """A message as the service takes it; its pictures stand before the words."""
    if not (seen and message.pictures):
        return WireMessage(message.role, message.content)
    parts: list[TextPart | ImagePart] = [ImagePart(ImageUrl(picture.data_url)) for picture in message.pictures]
    return WireMessage(message.role, [*parts, TextPart(message.content)] if message.content else parts)


def title_of(question: Message) -> str:
    """A chat's title from its first question: the first line of the person's own words, cut at a word."""
    text, attachments = without_attachments(question.content)
    names = [one.name for one in attachments] + [one.name for one in question.pictures]
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = " ".join(line.split()) or (names[0] if names else "")
    if len(line) <= TITLE_LENGTH:
        return line
    cut = line[:TITLE_LENGTH]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:") + "…"
