"""Server-sent events: one JSON object each, a heartbeat while there is nothing to say, backpressure, a typed end.

The answer's head is sent with the first event or heartbeat, so that an error before it still has its own status.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Self

import msgspec
from aiohttp import web
from msgspec import Struct

from sidecar.routes.call import Call

HEARTBEAT_SECONDS = 10.0
STUCK_SECONDS = 60.0  # a client that reads nothing for so long is given up


class EventStream:
    """One response of server-sent events. Used from the handler's task; the heartbeat has its own."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._response.content_type = "text/event-stream"
        self._starting = asyncio.Lock()
        self._wrote_at = asyncio.get_running_loop().time()
        self._writing = 0  # writes that wait for the client to read

    @classmethod
    @asynccontextmanager
    async def open(cls, call: Call) -> AsyncIterator[Self]:
        """The stream, with its heartbeat, for as long as the block lasts."""
        stream = cls(call.request)
        beating = asyncio.create_task(stream._beat(), name="heartbeat")
        try:
            yield stream
        finally:
            beating.cancel()

    @property
    def begun(self) -> bool:
        """Whether the head was sent, so that an error can only be an event."""
        return self._response.prepared

    async def send(self, event: Struct) -> None:
        """One event; waits while the client is slow. Raises ConnectionResetError when it is gone or stuck."""
        await self._write(b"data: " + msgspec.json.encode(event) + b"\n\n")

    async def begin(self) -> None:
        """Send the head now, with a first heartbeat."""
        await self._write(b": waiting\n\n")

    async def end(self) -> web.StreamResponse:
        await self._taken(self._response.write_eof())
        return self._response

    async def _write(self, data: bytes) -> None:
        if not self.begun:
            await self._prepare()
        await self._taken(self._response.write(data))

    async def _prepare(self) -> None:
        async with self._starting:
            if not self.begun:
                await self._response.prepare(self._request)

    async def _taken(self, writing: Coroutine[None, None, None]) -> None:
        """Wait while the client is slow; the heartbeat's task watches for how long."""
        self._wrote_at = asyncio.get_running_loop().time()
        self._writing += 1
        try:
            await writing
        finally:
            self._writing -= 1

    async def _beat(self) -> None:
        """Heartbeats while there is nothing to say; the end of the connection when what is said is not read.

        One clock for all events of the stream: a time limit around each would cost more than its writing.
        """
        clock = asyncio.get_running_loop().time
        while True:
            patience = STUCK_SECONDS if self._writing else HEARTBEAT_SECONDS
            if (left := self._wrote_at + patience - clock()) > 0:
                await asyncio.sleep(left)
            elif self._writing:
                return self._give_up()
            else:
                try:
                    async with asyncio.timeout(STUCK_SECONDS):
                        await self.begin()
                except TimeoutError:
                    return self._give_up()
                except ConnectionError:
                    return None

    def _give_up(self) -> None:
        """What waits to be written then ends, and the next event finds the client gone."""
        if self._request.transport is not None:
            self._request.transport.abort()
