"""How a client speaks to the service: one connection pool, JSON both ways, errors as our classes. It knows no routes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from sidecar import decoding, discovery
from sidecar.errors import InglenookError, ServiceUnreachable, from_wire
from sidecar.paths import Paths
from sidecar.types import ErrorBody, ErrorResponse, Result

T = TypeVar("T")
CONNECT_SECONDS = 10.0
QUICK_SECONDS = 10.0
SILENCE_SECONDS = 60.0  # the service sends a heartbeat on every open stream much more often than that
_PATIENT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
QUICK = aiohttp.ClientTimeout(total=QUICK_SECONDS, sock_connect=CONNECT_SECONDS)
_STREAM = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)


class Wire:
    """One connection pool to one service. May be made anywhere; used inside one event loop; ended by `close`.

    Every method raises ServiceUnreachable when nobody answers, and else the error that the service reports.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._opened: aiohttp.ClientSession | None = None
        self._closed = False
        self._streams: set[aiohttp.ClientResponse] = set()

    @classmethod
    def connect(cls, paths: Paths) -> Self:
        """A client of the service that these folders' discovery file names. Raises ServiceUnreachable when it is stale."""
        found = discovery.read(paths.runtime_file)
        return cls(found.url, found.token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; who reads a stream of this client gets ServiceUnreachable. Safe to call twice."""
        self._closed = True
        for response in self._streams:  # a connection that is closed on this side tells its reader nothing
            response.content.set_exception(aiohttp.ClientConnectionError("the client was closed"))
        if self._opened is not None:
            opened, self._opened = self._opened, None
            await opened.close()

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._closed:
            raise self._unreachable("the client was closed")  # a new connection would be closed by nobody
        if self._opened is None:
            self._opened = aiohttp.ClientSession(headers=self._headers, timeout=_PATIENT)
        return self._opened

    async def _get(self, path: str, answer: type[T], query: Mapping[str, Any] | None = None) -> T:
        return self._decoded(await self._request("GET", path, query=query, patience=QUICK), answer)

    async def _send(self, method: str, path: str, body: msgspec.Struct | None, answer: type[T]) -> T:
        return self._decoded(await self._request(method, path, body), answer)

    async def _result(self, path: str, body: msgspec.Struct) -> Result:
        try:
            return await self._send("POST", path, body, Result)
        except ServiceUnreachable:
            raise
        except InglenookError as error:
            return Result(success=False, error=ErrorBody(error.code, error.message, error.details))

    async def _request(
        self,
        method: str,
        path: str,
        body: msgspec.Struct | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        patience: aiohttp.ClientTimeout = _PATIENT,
    ) -> bytes:
        with self._reaching():
            async with self._session.request(
                method, self._address(path, query), timeout=patience, **_content(body)
            ) as response:
                content = await response.read()
        _raise_for(response.status, content)
        return content

    async def _stream(self, method: str, path: str, body: msgspec.Struct | None = None) -> AsyncGenerator[bytes, None]:
        """The payloads of a server-sent event stream; its comments are heartbeats."""
        with self._reaching():
            response = await self._session.request(method, self._address(path, None), timeout=_STREAM, **_content(body))
            self._streams.add(response)
            try:
                if response.status >= 400:
                    _raise_for(response.status, await response.read())
                pending = b""
                async for piece in response.content.iter_any():
                    *lines, pending = (pending + piece).split(b"\n")
                    for line in lines:
                        if line.startswith(b"data:"):
                            yield line[5:]
            finally:
                self._streams.discard(response)
                response.close()

    def _address(self, path: str, query: Mapping[str, Any] | None) -> URL:
        address = URL(self.url + path, encoded=True)  # as it is: an id may contain an encoded slash
        given = {key: _word(value) for key, value in (query or {}).items() if value is not None}
        return address.with_query(given) if given else address

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise self._unreachable("it did not answer in time") from error
        except (aiohttp.ClientError, OSError, RuntimeError) as error:  # RuntimeError: a read just after the end
            raise self._unreachable(str(error) or type(error).__name__) from error

    def _decoded(self, content: bytes, kind: type[T]) -> T:
        try:
            return decoding.from_json(content, kind)
        except msgspec.MsgspecError as error:
            raise self._unreachable("what answers there is not in the expected shape") from error

    def _unreachable(self, reason: str) -> ServiceUnreachable:
        return ServiceUnreachable(url=self.url, reason=reason)


def of(model_id: str, action: str = "") -> str:
    path = f"/models/{quote(model_id, safe='')}"
    return f"{path}/{action}" if action else path


def _content(body: msgspec.Struct | None) -> dict[str, Any]:
    if body is None:
        return {}
    return {"data": BytesIO(msgspec.json.encode(body)), "headers": {"Content-Type": "application/json"}}


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _raise_for(status: int, content: bytes) -> None:
    if status < 400:
        return
    try:
        error = decoding.from_json(content, ErrorResponse).error
    except msgspec.MsgspecError:
        raise InglenookError(f"The service answered {status} without saying why.", status=status) from None
    raise from_wire(error.code, error.message, error.details)
