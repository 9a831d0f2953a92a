"""Requests to a model that schedules itself: hands them over, and sends on what the model tells, from its own threads.

It decides nothing about what is computed. A hop to the main thread would cost each token two switches between threads,
while the library wants every core for the next one.
"""

from __future__ import annotations

from collections.abc import Callable

from sidecar.engines.base import Broken, News, SelfScheduling
from sidecar.runtime.protocol import Decide, Delta, Finished, Generate, Step, Up
from sidecar.worker.replies import failed


class Delegating:
    """The desk of a self-scheduling model, for all kinds of requests that it serves.

    `send`, `stepped` and `rested` are called from any thread: with frames, when the model got on with something, and when it
    has nothing left.
    """

    busy = False  # an iteration has nothing to do here

    def __init__(
        self,
        model: SelfScheduling,
        send: Callable[[list[Up]], None],
        stepped: Callable[[], None],
        rested: Callable[[], None],
    ) -> None:
        self._model = model
        self._send = send
        self._stepped = stepped
        self._rested = rested
        model.connect(self._hear)

    @property
    def running(self) -> int:
        return self._model.running

    @property
    def waiting(self) -> int:
        return self._model.waiting

    def add(self, request: Generate | Decide) -> None:
        self._model.submit(request)

    def cancel(self, request_id: int) -> None:
        self._model.cancel(request_id)

    def iterate(self) -> None:
        """Nothing: the model iterates itself."""

    def _hear(self, news: News) -> None:
        self._stepped()
        match news:
            case Delta():
                self._send([Step([news])])
            case Finished():
                self._send([news])
            case Broken(id, error):
                self._send([failed(id, error)])
        if not (self._model.running or self._model.waiting):
            self._rested()
