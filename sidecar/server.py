"""Starts and stops the service.

Up: folders, lock, log, manager, socket, discovery file, ready. Down, in the opposite order: the discovery file goes
first, so that nobody new comes; running requests get a moment; then workers end and the history is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import filelock
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from sidecar import __version__, discovery, log
from sidecar.config import Configuration
from sidecar.errors import AlreadyRunning, EnvironmentFault, ServiceUnreachable
from sidecar.listener import address, answering, bind
from sidecar.middleware import add_headers, allowed_hosts, outermost
from sidecar.paths import Paths
from sidecar.routes.call import SERVICE, Origin, Service
from sidecar.routes.dispatch import register
from sidecar.routes.lightweight import SMALL_ROUTES
from sidecar.routes.service import SHUTDOWN
from sidecar.routes.storage import resume_move
from sidecar.routes.table import ROUTES
from sidecar.runtime.manager import ModelManager
from sidecar.second_listener import SecondListener, small_app
from sidecar.types import Discovery

RUNNING_REQUESTS_SECONDS = 3.0
ANNOUNCEMENT_SECONDS = 5.0  # how long a second start waits to learn where the first one listens
TOKEN_BYTES = 32

logger = logging.getLogger(__name__)


def serve(
    configuration: Configuration,
    paths: Paths,
    *,
    config_file: Path | None = None,
    flags: dict[str, Any] | None = None,
    announce: Callable[[Discovery], None] = lambda found: None,
    until_stdin_closes: bool = False,
    only_small: bool = False,
    prepare: Callable[[Service], Awaitable[None]] | None = None,
) -> None:
    """Serve until a signal, `POST /shutdown` or, if asked, the end of stdin. `announce` is called once it is ready.

    `only_small` serves nothing but the small models; `prepare` is awaited before `announce`, once requests are answered.
    `config_file` and `flags` are what the configuration was loaded from; changed settings are written to that file.

    Raises AlreadyRunning, PortUnavailable, DatabaseUnusable, DiskFull, EnvironmentFault.
    """
    _create(paths)
    logging.getLogger("aiohttp.server").addFilter(_without_its_words)
    with _only_one(paths), log.to_folder(paths.log_dir, configuration.settings.log_level):
        discovery.remove(paths.runtime_file)  # a service that was killed left it behind
        origin = Origin(config_file or paths.config_file, flags or {})
        asyncio.run(_serve(configuration, paths, origin, announce, until_stdin_closes, only_small, prepare))


def create_app(service: Service) -> web.Application:
    """The application: every route of the table behind the checks of the middleware."""
    limit = service.configuration.settings.max_body_mb << 20
    app = web.Application(middlewares=[outermost], client_max_size=limit, handler_args={"access_log": None})
    app[SERVICE] = service
    app.on_response_prepare.append(add_headers)
    register(app, ROUTES)
    return app


async def _serve(
    configuration: Configuration,
    paths: Paths,
    origin: Origin,
    announce: Callable[[Discovery], None],
    until_stdin_closes: bool,
    only_small: bool,
    prepare: Callable[[Service], Awaitable[None]] | None,
) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    if until_stdin_closes:
        _stop_at_end_of_stdin(stop)
    async with ModelManager.open(configuration.settings, paths) as manager:
        service = Service(manager, paths, configuration, origin, secrets.token_urlsafe(TOKEN_BYTES), stop=stop)
        await resume_move(service)
        async with listening(service, only_small=only_small) as url, _discoverable(service, url) as found:
            if prepare is not None:
                await prepare(service)
            logger.info("ready at %s", url)
            announce(found)
            await stop.wait()
            logger.info("stopping")


@contextlib.asynccontextmanager
async def listening(service: Service, *, only_small: bool = False) -> AsyncIterator[str]:
    """Answers requests within the block; yields the address. At its end running requests get a moment, then NotReady.

    Raises PortUnavailable.
    """
    settings = service.configuration.settings
    bound = bind(settings.host, settings.port)
    service.hosts = allowed_hosts(settings, bound.getsockname()[1])
    service.second_listener = SecondListener(service)
    app = small_app(service, [*SMALL_ROUTES, SHUTDOWN]) if only_small else create_app(service)
    async with answering(app, bound):
        try:
            yield address(bound)
        finally:
            service.manager.events.close()
            await service.second_listener.stop()
            await service.drain(RUNNING_REQUESTS_SECONDS)


@contextlib.asynccontextmanager
async def _discoverable(service: Service, url: str) -> AsyncIterator[Discovery]:
    file = service.paths.runtime_file
    found = Discovery(url, os.getpid(), __version__, service.token, service.started_at)
    await asyncio.to_thread(discovery.write, file, found)
    try:
        yield found
    finally:
        await asyncio.to_thread(discovery.remove, file)


def _without_its_words(record: logging.LogRecord) -> bool:
    """What is not HTTP is the sender's fault, and its words, which may hold a key, do not belong in the log."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args, record.exc_info = f"malformed HTTP ({type(error).__name__})", (), None
    return True


def _create(paths: Paths) -> None:
    try:
        paths.create()
    except OSError as error:
        raise EnvironmentFault(f"The folders of Inglenook cannot be made: {error}.") from error


@contextlib.contextmanager
def _only_one(paths: Paths) -> Iterator[None]:
    """Holds the data folder's lock. Raises AlreadyRunning with the address and process of the service that holds it."""
    try:
        held = filelock.FileLock(paths.lock_file).acquire(timeout=0)
    except filelock.Timeout:
        raise _already_running(paths) from None
    except OSError as error:
        raise EnvironmentFault(f"The lock {paths.lock_file} cannot be used: {error}.") from error
    with held:
        yield


def _already_running(paths: Paths) -> AlreadyRunning:
    deadline = time.monotonic() + ANNOUNCEMENT_SECONDS
    while time.monotonic() < deadline:
        try:
            found = discovery.read(paths.runtime_file)
        except ServiceUnreachable:
            time.sleep(0.05)  # it is only starting, or already stopping
        else:
            return AlreadyRunning(url=found.url, pid=found.pid)
    message = f"Inglenook's service is already running on {paths.data_dir}, but has not said where it listens."
    return AlreadyRunning(message, url=None, pid=None)


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(number, stop.set)


def _stop_at_end_of_stdin(stop: asyncio.Event) -> None:
    """Watch stdin from a thread, on a descriptor of its own: descriptor 0 is left to the null device."""
    loop = asyncio.get_running_loop()
    watched = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(watched, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has already ended
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="stdin", daemon=True).start()
