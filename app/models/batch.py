"""Runs a result list through a classifier: slices of texts, progress, pause, and what to do when a slice fails.

It asks through a function and knows neither the client nor a widget.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.models.result_list import ResultList
from sidecar.errors import InglenookError, ModelError, NotReady, QueueFull, ServiceUnreachable
from sidecar.types import ClassifyBatchResponse

Ask = Callable[[list[str]], Awaitable[ClassifyBatchResponse]]
State = Literal["idle", "running", "paused", "waiting", "finished", "stopped"]

FIRST_SLICE = 32
LEAST_SLICE = 8
LARGEST_SLICE = 256
SHORT_S, LONG_S = 0.3, 1.2  # a slice should take between: soon paused, yet seldom asked
RATE_WINDOW_S = 10.0
FAILURES_IN_A_ROW = 3
RETRY_S = 1.0
# Nothing about the single text: the same request may succeed in a moment.
TRANSIENT = (QueueFull, NotReady, ServiceUnreachable)
# The model as a whole does not work: asking text by text would fail text by text.
HOPELESS = frozenset({"load_failed", "does_not_fit", "not_found", "model_not_found", "unsupported", "unauthorized"})


class BatchRunner(QObject):
    """One run at a time. `run` goes through every waiting row; cancelling its task ends it between two answers.

    Signals:
        progressed(int, int): rows first to last have an answer now.
        state_changed(str): the new `state`.
    """

    progressed = Signal(int, int)
    state_changed = Signal(str)

    def __init__(self, results: ResultList, ask: Ask, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.results = results
        self.state: State = "idle"
        self.error: InglenookError | None = None
        self.rate = 0.0  # texts a second, over the last ten seconds of work
        self._ask = ask
        self._slice = FIRST_SLICE
        self._going = asyncio.Event()
        self._going.set()
        self._times: deque[tuple[float, int]] = deque()
        self._failures_in_a_row = 0

    @property
    def seconds_left(self) -> float | None:
        """At the present rate; None while that is unknown."""
        if not self.rate:
            return None
        waiting = len(self.results) - self.results.classified - len(self.results.failures)
        return waiting / self.rate

    def pause(self) -> None:
        """Ask nothing more once the present slice is answered."""
        if self.state in ("running", "waiting"):
            self._going.clear()
            self._set_state("paused")

    def resume(self) -> None:
        """Go on after a pause."""
        self._going.set()
        self._times.clear()
        if self.state == "paused":
            self._set_state("running")

    async def run(self) -> None:
        """Classify what waits. Ends "finished", or "stopped" with `error` when the model fails altogether."""
        self.error = None
        self._failures_in_a_row = 0
        self._times.clear()
        self._going.set()
        self._set_state("running")
        try:
            await self._run_slices()
        except asyncio.CancelledError:
            self._set_state("idle")
            raise
        except InglenookError as error:
            self.error = error
            self._set_state("stopped")
        else:
            self._set_state("finished")

    async def _run_slices(self) -> None:
        start = 0
        while rows := self._next_rows(start):
            await self._going.wait()
            began = monotonic()
            await self._classify(rows)
            self._adapt(monotonic() - began, len(rows))
            start = rows[-1] + 1

    def _next_rows(self, start: int) -> list[int]:
        rows: list[int] = []
        row = self.results.next_waiting(start)
        while row is not None and len(rows) < self._slice:
            rows.append(row)
            row = self.results.next_waiting(row + 1)
        return rows

    async def _classify(self, rows: Sequence[int]) -> None:
        """Answer these rows. A slice that fails is halved until the texts that cause it are alone."""
        try:
            response = await self._ask_patiently([self.results.source.texts[row] for row in rows])
        except InglenookError as error:
            if error.code in HOPELESS:
                raise
            if len(rows) == 1:
                self._fail(rows[0], error)
                return
            middle = len(rows) // 2
            await self._classify(rows[:middle])
            await self._classify(rows[middle:])
        else:
            self._keep(rows, response)

    async def _ask_patiently(self, texts: list[str]) -> ClassifyBatchResponse:
        while True:
            try:
                return await self._ask(texts)
            except TRANSIENT as error:
                await self._wait(float(error.details.get("retry_after", RETRY_S)))

    async def _wait(self, seconds: float) -> None:
        if self.state == "running":
            self._set_state("waiting")
        await asyncio.sleep(max(RETRY_S / 4, seconds))
        await self._going.wait()
        self._times.clear()
        if self.state == "waiting":
            self._set_state("running")

    def _keep(self, rows: Sequence[int], response: ClassifyBatchResponse) -> None:
        self._failures_in_a_row = 0
        self.results.multi_label = response.multi_label
        for row, result in zip(rows, response.results, strict=True):
            self.results.set_result(row, result.classifications)
            if result.truncated:
                self.results.mark_cut(row)
        self._measure(len(rows))
        self.progressed.emit(rows[0], rows[-1])

    def _fail(self, row: int, error: InglenookError) -> None:
        self.results.set_failure(row, error.message)
        self.progressed.emit(row, row)
        if not isinstance(error, ModelError):
            return  # about this text, not about the model
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= FAILURES_IN_A_ROW:
            raise error

    def _measure(self, count: int) -> None:
        now = monotonic()
        self._times.append((now, count))
        while now - self._times[0][0] > RATE_WINDOW_S:
            self._times.popleft()
        spent = now - self._times[0][0]
        if spent > 0:
            # The first answer only starts the clock: how long it took is not known here.
            self.rate = sum(done for _, done in list(self._times)[1:]) / spent

    def _adapt(self, seconds: float, asked: int) -> None:
        if seconds < SHORT_S and asked == self._slice:
            self._slice = min(LARGEST_SLICE, self._slice * 2)
        elif seconds > LONG_S:
            self._slice = max(LEAST_SLICE, self._slice // 2)

    def _set_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)
