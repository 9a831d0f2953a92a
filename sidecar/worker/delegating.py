"""Requests to a model that schedules itself: hands them over, and passes on what the model tells from its threads.

It decides nothing about what is computed. News wait in a queue that any thread may fill; the main thread empties it.
"""

from __future__ import annotations

import queue
from collections.abc import Callable

from sidecar.engines.base import Broken, News, SelfScheduling
from sidecar.runtime.protocol import Decide, Delta, Finished, Generate
from sidecar.worker.replies import Replies


class Delegating:
    """The desk of a self-scheduling model, for all kinds of requests that it serves."""

    def __init__(self, model: SelfScheduling, replies: Replies, wake: Callable[[], None]) -> None:
        self._model = model
        self._replies = replies
        self._wake = wake
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        model.connect(self._hear)

    @property
    def busy(self) -> bool:
        return not self._news.empty()

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
        """Pass on all news."""
        while not self._news.empty():
            self._pass_on(self._news.get())

    def _hear(self, news: News) -> None:
        self._news.put(news)
        self._wake()

    def _pass_on(self, news: News) -> None:
        match news:
            case Delta(id, text, tokens):
                self._replies.delta(id, text, tokens)
            case Finished(id, outcome):
                self._replies.finish(id, outcome)
            case Broken(id, error):
                self._replies.fail(id, error)
