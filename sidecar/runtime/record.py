"""One request's time-keeping: when it began, waited and ended, and what of it goes to the history and the metrics."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sidecar.errors import InglenookError
from sidecar.history import History
from sidecar.metrics import Metrics
from sidecar.registry.store import ModelVersion
from sidecar.runtime.reply import Reply
from sidecar.types import HistoryEntry


@dataclass(eq=False)
class Record:
    """`queue_ms`: from arrival until a worker had the request, and then until it computed."""

    version: ModelVersion
    kind: str
    caller: str
    inputs: int
    input_text: Callable[[], str]
    began_at: float = field(default_factory=time.time)
    began: float = field(default_factory=time.perf_counter)
    queue_ms: float = 0.0
    first_token_ms: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    padding: int = 0
    output: list[str] = field(default_factory=list)
    outcome: str = "ok"
    error_code: str | None = None
    error_message: str | None = None
    alone: bool = True  # no other request ran at the same time
    images: int = 0

    @property
    def elapsed_ms(self) -> float:
        return 1000 * (time.perf_counter() - self.began)

    def acquired(self) -> None:
        """A worker is there; what comes now is its own queue."""
        self.queue_ms = self.elapsed_ms

    def first_ms(self, reply: Reply) -> float:
        """From arrival to the reply's first token; where there was none, to now."""
        if reply.first_token_at is None:
            return self.elapsed_ms
        milliseconds = 1000 * (reply.first_token_at - self.began)
        if self.first_token_ms is None:
            self.first_token_ms = milliseconds
        return milliseconds

    @contextlib.contextmanager
    def follow(self, reply: Reply) -> Iterator[None]:
        """Tokens that were made count even when the answer was cut off."""
        try:
            yield
        except BaseException:
            self.completion_tokens += reply.tokens
            raise

    def failed(self, error: InglenookError) -> None:
        self.outcome, self.error_code, self.error_message = "error", error.code, error.message

    def cancelled(self) -> None:
        """The caller went away."""
        self.outcome = "cancelled"

    def write(self, history: History, metrics: Metrics, *, texts: bool) -> None:
        model = self.version.model
        metrics.requests.labels(model, self.kind, self.outcome).inc()
        metrics.tokens.labels(model, "read").inc(self.prompt_tokens)
        metrics.tokens.labels(model, "written").inc(self.completion_tokens)
        metrics.tokens.labels(model, "padding").inc(self.padding)
        if self.outcome == "ok":
            metrics.latency.labels(model, self.kind).observe(self.elapsed_ms / 1000)
        if self.first_token_ms is not None:
            metrics.first_token.labels(model).observe(self.first_token_ms / 1000)
        if self.error_code is not None:
            metrics.errors.labels(model, self.error_code).inc()
        history.record(self._entry(texts))

    def _entry(self, texts: bool) -> HistoryEntry:
        return HistoryEntry(
            id=0,
            time=self.began_at,
            model=self.version.model,
            version=self.version.version,
            kind=self.kind,
            key=self.caller,
            outcome=self.outcome,
            inputs=self.inputs,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            queue_ms=round(self.queue_ms, 3),
            total_ms=round(self.elapsed_ms, 3),
            error_code=self.error_code,
            error_message=self.error_message,
            input_text=self.input_text() if texts else None,
            output_text="".join(self.output) if texts else None,
        )
