"""The second listener: a port of its own, behind which there are only the small models. It may come and go.

Callers need the same key as with the service itself; it loads into the same memory and waits in the same queues.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from contextlib import AsyncExitStack

from aiohttp import web
from aiohttp.typedefs import Handler

from sidecar.errors import ModelNotFound
from sidecar.listener import address, answering, bind
from sidecar.middleware import add_headers, allowed_hosts, outermost
from sidecar.routes.call import SERVICE, Route, Service
from sidecar.routes.dispatch import register
from sidecar.routes.lightweight import SMALL_ROUTES
from sidecar.types import LightweightStarted

RUNNING_REQUESTS_SECONDS = 3.0

log = logging.getLogger(__name__)


class SecondListener:
    """Belongs to one service and its event loop. `port` is None while it is closed."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._open: AsyncExitStack | None = None
        self._changing = asyncio.Lock()
        self.port: int | None = None
        self.url = ""

    async def start(self, port: int | None) -> LightweightStarted:
        """Open it, at `port`, the next free one, or the one after the service's own. Raises PortUnavailable."""
        async with self._changing:
            if self.port is not None:
                return LightweightStarted("running", self.port, self.url)
            self.port = await self._opened(self._next_port() if port is None else port)
            log.info("small models are served at %s", self.url)
            return LightweightStarted("started", self.port, self.url)

    async def stop(self) -> None:
        """Running requests get a moment. Safe to call twice."""
        async with self._changing:
            self.port, self.url = None, ""
            if self._open is not None:
                opened, self._open = self._open, None
                await opened.aclose()

    async def _opened(self, port: int) -> int:
        bound = bind(self._service.configuration.settings.host, port)
        found = int(bound.getsockname()[1])
        small = copy.copy(self._service)
        small.hosts, small.requests = allowed_hosts(small.configuration.settings, found), set()
        self.url, self._open = address(bound), AsyncExitStack()
        await self._open.enter_async_context(answering(small_app(small, SMALL_ROUTES), bound))
        self._open.push_async_callback(small.drain, RUNNING_REQUESTS_SECONDS)
        return found

    def _next_port(self) -> int:
        """After the service's own; any where that one was any."""
        own = self._service.configuration.settings.port
        return own + 1 if own else 0


def small_app(service: Service, routes: list[Route]) -> web.Application:
    """The application of the small models, behind the same checks as the service's own."""
    limit = service.configuration.settings.max_body_mb << 20
    app = web.Application(middlewares=[outermost, only_small], client_max_size=limit, handler_args={"access_log": None})
    app[SERVICE] = service
    app.on_response_prepare.append(add_headers)
    register(app, routes)
    return app


@web.middleware
async def only_small(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Other models do not exist here."""
    asked = request.match_info.get("model_id")
    if asked is not None:
        small = await request.app[SERVICE].catalogue.small_here()
        if asked not in {model.id for model in small}:
            raise ModelNotFound(f"There is no small model named {asked!r} here. GET /models lists those there are.")
    return await handler(request)
