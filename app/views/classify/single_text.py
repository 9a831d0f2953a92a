"""Asks about one text and keeps its answer, so that it can be shown again after a look at something else."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app import operations
from app.model_names import display_name
from app.session import Session
from sidecar.errors import InglenookError
from sidecar.types import ClassifyRequest, ClassifyResponse, ModelInfo


@dataclass(frozen=True)
class Failure:
    """What is said about a request that failed."""

    title: str
    text: str


class SingleText(QObject):
    """One request at a time.

    Signals:
        changed: `busy`, `answer` or `failure` is different.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.waiting = False  # somebody wants an answer, and no model is known yet
        self.busy = ""  # what is being done, in words; empty when nothing
        self.answer: ClassifyResponse | None = None
        self.failure: Failure | None = None
        self._session = session
        self._operation: operations.Operation[ClassifyResponse] | None = None

    def ask(self, text: str, model: ModelInfo) -> None:
        """Classify `text`; `changed` follows now and when the answer or an error is there."""
        self.stop()
        self.answer = self.failure = None
        self.busy = self.tr("Classifying…") if model.is_loaded else self.tr("Loading {0}…").format(display_name(model))
        self._operation = operations.run(
            self, self._classify(text, model.id), on_success=self._on_answer, on_failure=self._on_failure
        )
        self.changed.emit()

    def wait(self) -> None:
        """Say that the answer has to wait for the service; who asked asks again when there is a model."""
        self.waiting = True
        self.busy = self.tr("Waiting for the service…")
        self.changed.emit()

    def stop(self) -> None:
        """Give up waiting for the answer."""
        self.waiting = False
        if self._operation is not None and self._operation.running:
            self._operation.cancel()
        self._operation = None
        self.busy = ""
        self.changed.emit()

    def clear(self) -> None:
        """Forget the answer: it is another model's, or about another text."""
        self.stop()
        self.answer = self.failure = None
        self.changed.emit()

    async def _classify(self, text: str, model_id: str) -> ClassifyResponse:
        if not self._session.state.usable:
            self.busy = self.tr("Waiting for the service…")
            self.changed.emit()
        client = await self._session.ready()
        response = await client.classify(model_id, ClassifyRequest(text=text, truncate=True))
        if not isinstance(response, ClassifyResponse):
            raise TypeError(f"one text was sent, a {type(response).__name__} came back")
        return response

    def _on_answer(self, answer: ClassifyResponse) -> None:
        self.busy = ""
        self.answer = answer
        self.changed.emit()

    def _on_failure(self, error: BaseException) -> None:
        self.busy = ""
        if not isinstance(error, InglenookError):
            operations.report(error)
            self.changed.emit()
            return
        self.failure = Failure(self.tr("Could not classify"), error.message)
        self.changed.emit()
