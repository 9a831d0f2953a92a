"""What every request works on: the running service, and the call that one request is.

It knows neither the routes nor how the service is started.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiohttp import web
from msgspec import Struct

from sidecar.config import Configuration
from sidecar.errors import InglenookError, InternalError, NotReady
from sidecar.paths import Paths
from sidecar.runtime.manager import ModelManager
from sidecar.types import LightweightStarted

if TYPE_CHECKING:
    from sidecar.catalogue.searching import Catalogue

log = logging.getLogger(__name__)


class Origin(Struct, frozen=True):
    """Where the configuration came from: the settings file, and what the command line said."""

    config_file: Path
    flags: dict[str, Any]


class Opened(Protocol):
    """A further port of the service that may come and go; `port` is None while it is closed."""

    port: int | None

    async def start(self, port: int | None) -> LightweightStarted: ...

    async def stop(self) -> None: ...


@dataclass
class Service:
    """The running service. `hosts` are the exact Host headers that are answered, known once it listens."""

    manager: ModelManager
    paths: Paths
    configuration: Configuration
    origin: Origin
    token: str
    hosts: frozenset[str] = frozenset()
    started_at: float = field(default_factory=time.time)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ending: bool = False
    requests: set[asyncio.Task[Any]] = field(default_factory=set)
    changing_settings: asyncio.Lock = field(default_factory=asyncio.Lock)
    second_listener: Opened = field(init=False)  # once it listens

    @cached_property
    def catalogue(self) -> Catalogue:
        """Imported with its first use: the start does not wait for it."""
        from sidecar.catalogue.remote import Remote
        from sidecar.catalogue.searching import Catalogue

        remote = Remote(self.manager.hub.listing, self.paths.told_dir)
        return Catalogue(lambda: self.manager.outlook(self.models_dir), self.manager.models, remote)

    @property
    def origins(self) -> list[str]:
        return self.configuration.settings.allowed_origins

    @property
    def models_dir(self) -> Path:
        """The folder for models that is in use."""
        return self.manager.storage.relocating.folder

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts the current task among the running requests. Raises NotReady when the service ends it."""
        if self.ending:
            raise NotReady(state="stopping")
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self.requests.add(task)
        try:
            with self.not_ready_when_ended():
                yield
        finally:
            self.requests.discard(task)

    @contextmanager
    def not_ready_when_ended(self) -> Iterator[None]:
        """A cancellation by the service's own end becomes NotReady; one because the caller left stays what it is."""
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self.ending or task is None:
                raise
            task.uncancel()
            raise NotReady(state="stopping") from None

    async def drain(self, seconds: float) -> None:
        """Refuse new requests, let those that run end for so long, then end them with NotReady."""
        self.ending = True
        if self.requests:
            await asyncio.wait(set(self.requests), timeout=seconds)
        for task in self.requests:
            task.cancel()
        if self.requests:
            await asyncio.wait(set(self.requests), timeout=1.0)


SERVICE = web.AppKey("service", Service)
CALLER = web.RequestKey("caller", str)
REQUEST_ID = web.RequestKey("request_id", str)
MODEL_ID = "{model_id}"


@contextmanager
def own_faults(request: web.Request) -> Iterator[None]:
    """What is neither an InglenookError nor the connection's end is our bug: logged, and raised as InternalError."""
    try:
        yield
    except (InglenookError, web.HTTPException, ConnectionError):
        raise
    except Exception as error:
        log.exception("fault in %s %s", request.method, request.path, extra={"request_id": request[REQUEST_ID]})
        raise InternalError(reason=type(error).__name__, request_id=request[REQUEST_ID]) from error


class Call(Struct, frozen=True):
    """One request. `caller` is whose key it came with: "owner", or "local" where no key is required."""

    request: web.Request
    service: Service
    caller: str

    @property
    def manager(self) -> ModelManager:
        return self.service.manager

    @property
    def model_id(self) -> str:
        return self.request.match_info["model_id"]


Answer = Struct | list[Any] | web.StreamResponse
Handler = Callable[..., Awaitable[Answer]]


class Route(Struct, frozen=True):
    """One row of the table: what `dispatch` serves, `openapi` describes and `docs` shows.

    `handler` gets the call, then the query if `query` names its type, then the body if `body` does. `events` is the
    type of one server-sent event where the answer may be a stream. A `body` that `may_be_empty` is its type's defaults.
    """

    method: str
    path: str
    handler: Handler
    group: str
    summary: str
    answers: tuple[Any, ...]
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    may_be_empty: bool = False
    events: type[Struct] | None = None
    errors: tuple[type[InglenookError], ...] = ()
    media_type: str = "application/json"
    public: bool = False
