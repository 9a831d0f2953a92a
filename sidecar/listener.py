"""A socket with an application behind it: the service's own, and the second one for small models. It knows no route."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from sidecar.errors import PortUnavailable

PORTS_TRIED = 100
BACKLOG = 1024
OPEN_CONNECTIONS_SECONDS = 1.0


@contextlib.asynccontextmanager
async def answering(app: web.Application, bound: socket.socket) -> AsyncIterator[None]:
    """Requests to the socket are answered within the block."""
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        handler_cancellation=True,
        auto_decompress=False,  # compressed bodies are refused: a small one may unpack to any size
        shutdown_timeout=OPEN_CONNECTIONS_SECONDS,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, bound, backlog=BACKLOG).start()
        yield
    finally:
        await runner.cleanup()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket at the port, or at the next free one; 0 takes any. Raises PortUnavailable."""
    last = port if port == 0 else min(port + PORTS_TRIED, 65535)
    for tried in range(port, last + 1):
        try:
            return _listen(host, tried)
        except OSError as error:
            if not _taken(error):
                raise PortUnavailable(host=host, port=tried, reason=str(error)) from error
    raise PortUnavailable(host=host, port=port, reason=f"all up to {last} are taken")


def address(bound: socket.socket) -> str:
    """The address for this machine's clients, also where the socket listens on all."""
    host, port = bound.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - replaced, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _listen(host: str, port: int) -> socket.socket:
    family, _, _, _, found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(found[:2], family=family, backlog=BACKLOG)


def _taken(error: OSError) -> bool:
    return error.errno == errno.EADDRINUSE or (sys.platform == "win32" and error.errno == errno.EACCES)
