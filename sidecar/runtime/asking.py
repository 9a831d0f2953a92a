"""One request on its way to a worker and back: the time limit, one repetition after a crash, the books.

Every task runs through here, so that all of them wait, fail, cancel and are recorded alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator

from msgspec import Struct

from sidecar.config import Settings
from sidecar.errors import InglenookError, InternalError, RequestTimeout, WorkerCrashed
from sidecar.history import History
from sidecar.metrics import Metrics
from sidecar.registry.store import ModelStore
from sidecar.runtime.learning import Learning
from sidecar.runtime.protocol import ModelFacts, Outcome
from sidecar.runtime.record import Record
from sidecar.runtime.reply import Reply
from sidecar.runtime.residency import Residency
from sidecar.runtime.resident import Wish
from sidecar.runtime.worker import Question, Worker

log = logging.getLogger(__name__)

REPEATED = "The model's worker ended unexpectedly, and the request was repeated on a fresh one."


class Answer(Struct, frozen=True):
    """A complete answer. `facts`: of the model that gave it. `first_token_ms`: from the request's arrival."""

    text: str
    outcome: Outcome
    facts: ModelFacts
    first_token_ms: float


class Asking:
    """Brings questions to workers. `settings()` gives those in force."""

    def __init__(
        self,
        residency: Residency[Worker],
        store: ModelStore,
        history: History,
        metrics: Metrics,
        settings: Callable[[], Settings],
        learning: Learning,
    ) -> None:
        self._running: set[Record] = set()
        self._rested_at = time.monotonic()
        self._learning = learning
        self._residency = residency
        self._store = store
        self._history = history
        self._metrics = metrics
        self._settings = settings

    @property
    def active_requests(self) -> int:
        return len(self._running)

    @property
    def rested_s(self) -> float:
        """Seconds since the last request ended; 0 while one runs."""
        return 0.0 if self._running else time.monotonic() - self._rested_at

    @contextlib.contextmanager
    def recorded(self, record: Record) -> Iterator[Record]:
        """Whatever happens in the block goes into the history and the metrics."""
        self._running.add(record)
        if len(self._running) > 1:
            for one in self._running:
                one.alone = False
        try:
            yield record
        except InglenookError as error:
            record.failed(error)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            record.cancelled()
            raise
        except Exception as error:
            record.failed(InternalError(reason=type(error).__name__, request_id="of this moment"))
            raise
        finally:
            self._running.discard(record)
            self._rested_at = time.monotonic()
            self._store.used(record.version.model, record.began_at)
            record.write(self._history, self._metrics, texts=self._settings().history_texts)

    @contextlib.asynccontextmanager
    async def asked(
        self, record: Record, keep_alive: float | None, question: Question
    ) -> AsyncIterator[tuple[Worker, Reply]]:
        """A worker that has the question, and the reply that fills; leaving the block early cancels the work.

        Raises what `Residency.acquire` does, RequestTimeout.
        """
        loop = asyncio.get_running_loop()
        seconds = self._settings().request_timeout_s
        deadline = loop.time() + seconds - record.elapsed_ms / 1000
        too_late = RequestTimeout(seconds=f"{seconds:g}")
        async with contextlib.AsyncExitStack() as stack:
            acquiring = self._residency.acquire(record.version, Wish(keep_alive=keep_alive))
            try:
                async with asyncio.timeout_at(deadline):
                    worker = await stack.enter_async_context(acquiring)
            except TimeoutError:
                raise too_late from None
            record.acquired()
            reply = stack.enter_context(worker.ask(question))
            stack.callback(loop.call_at(deadline, reply.fail, too_late).cancel)
            stack.enter_context(record.follow(reply))
            yield worker, reply

    async def whole(self, record: Record, keep_alive: float | None, question: Callable[[], Question]) -> Answer:
        """A complete answer. If the worker dies the question is put once more: nothing of its answer was sent."""
        repeated = False
        while True:
            try:
                async with self.asked(record, keep_alive, question()) as (worker, reply):
                    outcome = await reply.outcome()
                    answer = Answer(await reply.next_text() or "", outcome, worker.known_facts, record.first_ms(reply))
                break
            except WorkerCrashed:
                if repeated:
                    raise
                repeated = True
        record.padding += outcome.padding
        if repeated:
            outcome.warnings = [*outcome.warnings, REPEATED]
        else:
            self.learn(record, answer)
        return answer

    def learn(self, record: Record, answer: Answer) -> None:
        """What an answer took says something about the model."""
        self._learning.answered(record, answer.facts, answer.outcome, answer.first_token_ms)
