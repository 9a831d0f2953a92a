"""Every answer that is being written, of all chats at once: service → memory → disk, a few times a second.

An answer belongs to its message, not to what the window shows: changing chats or views stops nothing. Its partial text
is on disk at most SAVE_MS after it came, so that a crash of window or service loses nothing that mattered.
"""

from contextlib import aclosing
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject, QTimer, Signal

from app import operations
from app.conversations import ConversationStore, StoreError
from app.model_names import display_name
from app.session import Session
from app.views.chat.answer_facts import AnswerFacts, Failure
from app.views.chat.figures import Figures
from app.views.chat.stored_answer import status_of, to_stored
from sidecar.errors import InglenookError
from sidecar.types import GenerateChunk, GenerateRequest

SHOW_MS = 33
SAVE_MS = 300


@dataclass
class Answer:
    """One that is being written."""

    conversation_id: str
    message_id: str
    model: str
    request: GenerateRequest
    facts: AnswerFacts
    saved: int  # so many characters of the text are on disk
    stopping: bool = False
    operation: operations.Operation[None] | None = field(default=None, repr=False)


class Answers(QObject):
    """Starts, stops and follows them.

    Signals:
        grown(str): the facts of this message are new; at most about 30 times a second each.
        ended(str): this message's answer is complete, stopped or failed; it is saved.
        busy_changed(): other conversations than before have an answer running.
    """

    grown = Signal(str)
    ended = Signal(str)
    busy_changed = Signal()

    def __init__(self, session: Session, store: ConversationStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._store = store
        self._running: dict[str, Answer] = {}
        self._unshown: set[str] = set()
        self._unsaved: set[str] = set()
        self._showing = QTimer(self, singleShot=True, interval=SHOW_MS)
        self._showing.timeout.connect(self._show)
        self._saving = QTimer(self, singleShot=True, interval=SAVE_MS)
        self._saving.timeout.connect(self.flush)
        for signal in (session.models_changed, session.state_changed, session.model_event):
            signal.connect(self._say_what_is_waited_for)

    def start(
        self, conversation_id: str, message_id: str, model: str, request: GenerateRequest, text: str = ""
    ) -> None:
        """Begin; `text` is what the message holds already when the model continues it."""
        facts = AnswerFacts(text, "waiting", waiting_for=self._waiting_for(model))
        answer = Answer(conversation_id, message_id, model, request, facts, len(text))
        self._running[message_id] = answer
        answer.operation = operations.run(self, self._write(answer), on_finished=lambda: self._end(answer))
        self.busy_changed.emit()
        self.grown.emit(message_id)

    def stop(self, message_id: str) -> None:
        """End it where it is; the service stops computing within one step."""
        answer = self._running.get(message_id)
        if answer is not None and answer.operation is not None:
            answer.stopping = True
            answer.operation.cancel()

    def facts(self, message_id: str) -> AnswerFacts | None:
        """What is known of a running answer; None when it is not running."""
        answer = self._running.get(message_id)
        return answer.facts if answer else None

    def running_in(self, conversation_id: str) -> list[str]:
        """The messages of a conversation that are being written."""
        return [answer.message_id for answer in self._running.values() if answer.conversation_id == conversation_id]

    def busy(self) -> set[str]:
        """The conversations that have an answer running."""
        return {answer.conversation_id for answer in self._running.values()}

    def flush(self) -> None:
        """Write what is not on disk yet. What cannot be written now is tried again with the next words."""
        try:
            for message_id in self._unsaved & self._running.keys():
                self._save_text(self._running[message_id])
        except StoreError as error:
            operations.report(error)
        self._unsaved.clear()

    # ---- one answer -------------------------------------------------------------------------------------------------

    async def _write(self, answer: Answer) -> None:
        try:
            client = await self._session.ready()
            self._say_what_is_waited_for()
            async with aclosing(client.stream(answer.model, answer.request)) as chunks:
                async for chunk in chunks:
                    self._take(answer, chunk)
        except InglenookError as error:
            failure = Failure(error.code, error.message, dict(error.details))
            answer.facts = replace(answer.facts, state="failed", failure=failure)

    def _take(self, answer: Answer, chunk: GenerateChunk) -> None:
        facts = answer.facts
        if chunk.text:
            facts = replace(facts, text=facts.text + chunk.text, state="writing")
        if chunk.warnings:
            facts = replace(facts, warnings=tuple(chunk.warnings))
        if chunk.done:
            figures = Figures.of(chunk)
            facts = replace(facts, state="length" if chunk.finish_reason == "length" else "done", figures=figures)
        if facts is not answer.facts:
            answer.facts = facts
            self._touch(answer)

    def _end(self, answer: Answer) -> None:
        del self._running[answer.message_id]
        self._unshown.discard(answer.message_id)
        self._unsaved.discard(answer.message_id)
        if answer.facts.running:  # cut off: by Stop, or by a fault of ours, which the window's banner tells
            answer.facts = replace(answer.facts, state="stopped" if answer.stopping else "interrupted")
        try:
            self._save_text(answer)
            self._store.finish_message(answer.message_id, status_of(answer.facts), to_stored(answer.facts))
        except StoreError as error:
            operations.report(error)
        self.busy_changed.emit()
        self.ended.emit(answer.message_id)

    def _save_text(self, answer: Answer) -> None:
        text = answer.facts.text
        if len(text) > answer.saved:
            self._store.append_text(answer.message_id, text[answer.saved :])
            answer.saved = len(text)

    # ---- pacing -----------------------------------------------------------------------------------------------------

    def _touch(self, answer: Answer) -> None:
        self._unshown.add(answer.message_id)
        self._unsaved.add(answer.message_id)
        for timer in (self._showing, self._saving):
            if not timer.isActive():
                timer.start()

    def _show(self) -> None:
        shown, self._unshown = self._unshown, set()
        for message_id in shown:
            self.grown.emit(message_id)

    def _say_what_is_waited_for(self, *_: object) -> None:
        for answer in self._running.values():
            words = self._waiting_for(answer.model)
            if answer.facts.state == "waiting" and answer.facts.waiting_for != words:
                answer.facts = replace(answer.facts, waiting_for=words)
                self.grown.emit(answer.message_id)

    def _waiting_for(self, model_id: str) -> str:
        if not self._session.state.usable:
            return self.tr("Waiting for the service to start…")
        model = self._session.model(model_id)
        if model is not None and model.state != "loaded":
            return self.tr("Loading {0} into memory…").format(display_name(model))
        return self.tr("Reading the question…")
