"""How a transfer is made to end from outside, also while it waits for a server that says nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2


class Stopped(Exception):
    """Somebody asked for the end; what has arrived stays."""


class Stop:
    """Set once to end everything that looks at it; cleared before it is used again. Used from many threads."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        """End what waits, and wake up what reads."""
        with self._lock:
            self._event.set()
            for one in self._sockets:
                _shut(one)

    def clear(self) -> None:
        self._event.clear()

    def check(self) -> None:
        """Raises Stopped once it is set."""
        if self._event.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait so long. Raises Stopped once it is set."""
        if self._event.wait(seconds):
            raise Stopped

    @contextmanager
    def ends(self, response: httpx2.Response) -> Iterator[None]:
        """Reading the answer within the block ends when this is set. Raises Stopped when it is set already."""
        connection = response.extensions["network_stream"].get_extra_info("socket")
        with self._lock:
            self.check()
            self._sockets.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.discard(connection)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not an encrypted one's own: another thread reads it
