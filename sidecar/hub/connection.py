"""The one way out of this machine: every request to the hub, and to the stores of files it redirects to, passes here.

It holds the offline switch, the proxy, the certificates and the token, and keeps a list of every outbound request. It
knows nothing of models.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from sidecar.config import Settings
from sidecar.errors import EnvironmentFault, HubRefused, Offline
from sidecar.hub.faults import as_our_errors, refused
from sidecar.hub.token import TokenKeeper
from sidecar.types import Connection

if TYPE_CHECKING:
    import httpx2

REMEMBERED = 1000
RECORD = "inglenook"  # among a request's extensions
CONNECT_SECONDS = 15.0
_purpose: ContextVar[str] = ContextVar("purpose", default="unknown")
_given: ContextVar[str | None] = ContextVar("given", default=None)


class HubConnection:
    """Made once per service; used from many threads. `settings()` gives those in force."""

    def __init__(self, settings: Callable[[], Settings], tokens: TokenKeeper) -> None:
        self._settings = settings
        self.tokens = tokens
        self._records: deque[Connection] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, float], httpx2.Client] = {}

    @property
    def offline(self) -> bool:
        return self._settings().offline

    @property
    def endpoint(self) -> str:
        """The hub's address, without a slash at its end."""
        if chosen := self._settings().hub_endpoint:
            return chosen.rstrip("/")
        from huggingface_hub import constants

        return str(constants.ENDPOINT)

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).netloc

    def records(self) -> list[Connection]:
        """Every outbound request since the service started, the newest first; bytes still come to those that are open."""
        return list(self._records)[::-1]

    @contextmanager
    def purpose(self, reason: str, to: str | None = None) -> Iterator[None]:
        """Requests within the block are listed with this reason, and their failures raised as our errors.

        `to`: an address that the user gave instead of the hub's; only its own host may be on this machine. Raises Offline
        before anything is asked.
        """
        if self.offline:
            raise Offline(purpose=reason)
        before, given = _purpose.set(reason), _given.set(to)
        try:
            with as_our_errors(urlsplit(to).netloc if to else self.host):
                yield
        finally:
            _purpose.reset(before)
            _given.reset(given)

    def ask(self, path: str, **query: Any) -> Any:
        """What the hub's API answers at `path`, from JSON; None among `query` is left out. Use it within `purpose`.

        The library's own client is one for the whole process, and asks for things of its own; so only its types are used.
        """
        given = {key: value for key, value in query.items() if value is not None}
        response = self._client().get(f"{self.endpoint}/api/{path}", params=given, headers=self._authorization())
        if response.status_code >= 400:
            raise refused(self.host, response)
        try:
            return response.json()
        except ValueError as error:
            raise HubRefused(host=self.host, answer="with what is not JSON", reason="is that address a hub?") from error

    def file_url(self, repository: str, commit: str, path: str) -> str:
        return f"{self.endpoint}/{repository}/resolve/{commit}/{quote(path)}"

    @contextmanager
    def open(self, url: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        """A GET whose answer is streamed, redirects followed. Use it within `purpose`."""
        with self._client().stream("GET", url, headers=headers | self._authorization()) as response:
            yield response

    def _authorization(self) -> dict[str, str]:
        token = self.tokens.get()
        return {"Authorization": f"Bearer {token}"} if token else {}

    def close(self) -> None:
        """End every connection. Safe to call twice."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    # ---- clients ----------------------------------------------------------------------------------------------------

    def _client(self) -> httpx2.Client:
        """The client for the settings in force; one that is in use under earlier settings stays open until `close`."""
        settings = self._settings()
        wanted = (settings.proxy, settings.ca_bundle, settings.network_timeout_s)
        with self._lock:
            if wanted not in self._clients:
                self._clients[wanted] = self._new_client()
            return self._clients[wanted]

    def _new_client(self) -> httpx2.Client:
        import httpx2

        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log addresses that are signed for us
        settings = self._settings()
        return httpx2.Client(
            follow_redirects=True,
            proxy=settings.proxy or None,
            verify=_certificates(settings.ca_bundle),
            timeout=httpx2.Timeout(settings.network_timeout_s, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=16),
            event_hooks={"request": [self._before], "response": [self._after]},
        )

    def _before(self, request: httpx2.Request) -> None:
        """Called before each request leaves, redirected ones too."""
        if self.offline:
            raise Offline(purpose=_purpose.get())
        host = request.url.netloc.decode("ascii")
        record = Connection(time.time(), host, _purpose.get(), request.method, None, 0)
        self._refuse_strange_address(request)
        if _origin(str(request.url)) != _origin(self.endpoint):
            request.headers.pop("Authorization", None)
        request.extensions = {**request.extensions, RECORD: record}
        self._records.append(record)

    def _after(self, response: httpx2.Response) -> None:
        record = cast("Connection", response.request.extensions[RECORD])
        record.status = response.status_code
        response.stream = _counting(response.stream, record)

    def _refuse_strange_address(self, request: httpx2.Request) -> None:
        """A public hub leads neither to unencrypted addresses nor into the local network, and nobody else does.

        A hub of the local network may stay there. Raises HubRefused.
        """
        given = _given.get()
        if given is not None and _origin(str(request.url)) == _origin(given):
            return
        hub = urlsplit(self.endpoint)
        if given is None and hub.scheme == "http":
            return
        at_home = given is None and _is_internal(hub.hostname or "")
        if request.url.scheme != "https" or (_is_internal(request.url.host) and not at_home):
            raise HubRefused(
                host=urlsplit(given).netloc if given else self.host,
                answer="with a redirect",
                reason=f"it leads to {request.url.host}, which is not followed.",
            )


def _counting(stream: Any, record: Connection) -> httpx2.SyncByteStream:
    """`stream`, with what it gives counted in `record`."""
    import httpx2

    class Counting(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for piece in stream:
                record.bytes += len(piece)
                yield piece

        def close(self) -> None:
            stream.close()

    return Counting()


def _certificates(bundle: str) -> ssl.SSLContext | bool:
    if not bundle:
        return True
    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError as error:
        message = f"The certificates in {bundle} cannot be read: {error}. Correct the setting ca_bundle."
        raise EnvironmentFault(message, path=bundle) from error


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or default


def _is_internal(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
