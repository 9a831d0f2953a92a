"""Who wants to know what changed: a list of bounded queues.

A slow listener loses the oldest events rather than memory; events only say what to look at again, so that is safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from sidecar.types import DownloadInfo, Event, JobInfo

QUEUE_SIZE = 256


class EventBus:
    """Publishes `Event`s to every current subscriber. Used from the event loop's thread only."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event | None]] = set()

    @property
    def has_listeners(self) -> bool:
        return bool(self._queues)

    def publish(self, event: Event) -> None:
        for queue in self._queues:
            _put_dropping_oldest(queue, event)

    def model(self, model: str, state: str, message: str | None = None) -> None:
        self.publish(Event(type="model", time=time.time(), model=model, state=state, message=message))

    def system(self, **figures: Any) -> None:
        self.publish(Event(type="system", time=time.time(), **figures))

    def job(self, job: JobInfo) -> None:
        self.publish(Event(type="job", time=time.time(), job=job))

    def download(self, download: DownloadInfo) -> None:
        self.publish(Event(type="download", time=time.time(), download=download))

    def storage(self) -> None:
        self.publish(Event(type="storage", time=time.time()))

    def close(self) -> None:
        """End every subscription."""
        for queue in self._queues:
            _put_dropping_oldest(queue, None)

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[AsyncIterator[Event]]:
        """Events from now on, until the block is left or the bus is closed."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE_SIZE)
        self._queues.add(queue)
        try:
            yield _drain(queue)
        finally:
            self._queues.discard(queue)


def _put_dropping_oldest(queue: asyncio.Queue[Event | None], event: Event | None) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)


async def _drain(queue: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
    while (event := await queue.get()) is not None:
        yield event
