"""What stands before every route: request id, host, origin, key, and the one place where errors become JSON.

Everything is denied unless a check here lets it pass, unknown routes included. Bodies are never logged.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
import uuid
from typing import Any

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sidecar import __version__
from sidecar.config import Settings, is_loopback
from sidecar.errors import (
    BodyTooLarge,
    HostNotAllowed,
    InglenookError,
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    OriginNotAllowed,
    QueueFull,
    Unauthorized,
)
from sidecar.routes.call import CALLER, REQUEST_ID, SERVICE, Service, own_faults

OPEN_PATH = "/health"
LOCAL_CALLER, OWNER = "local", "owner"
REQUEST_ID_HEADER = "X-Request-ID"
GIVEN_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_PORT = 80
CLIENT_LEFT = 499
ALLOWED_HEADERS = f"Authorization, Content-Type, x-api-key, {REQUEST_ID_HEADER}"
EXPOSED_HEADERS = f"{REQUEST_ID_HEADER}, Retry-After"
PREFLIGHT_SECONDS = "600"

log = logging.getLogger(__name__)


@web.middleware
async def outermost(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every request passes here first and every answer last."""
    request[REQUEST_ID] = _request_id(request)
    began = time.perf_counter()
    try:
        response = await _answered(request, handler)
    except (asyncio.CancelledError, ConnectionError):
        _log(request, CLIENT_LEFT, began)
        raise
    _log(request, response.status, began)
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer's way out, streams included."""
    response.headers[REQUEST_ID_HEADER] = request.get(REQUEST_ID) or _request_id(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers[hdrs.SERVER] = f"Inglenook/{__version__}"
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return
    response.headers[hdrs.VARY] = hdrs.ORIGIN
    if origin in request.app[SERVICE].origins:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS


def allowed_hosts(settings: Settings, port: int) -> frozenset[str]:
    """The exact Host headers that are answered: loopback names with our port, the bound address, those configured."""
    names = [*LOOPBACK_NAMES, *settings.allowed_hosts]
    if not is_loopback(settings.host) and settings.host not in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
        names.append(f"[{settings.host}]" if ":" in settings.host else settings.host)
    exact = {f"{name}:{port}" for name in names} | set(settings.allowed_hosts)
    return frozenset(name.lower() for name in (exact | set(names) if port == DEFAULT_PORT else exact))


def error_response(error: InglenookError) -> web.Response:
    """The native dialect's error."""
    body = {"error": error.to_wire(), "detail": error.message}
    headers = {}
    if isinstance(error, Unauthorized):
        headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    if isinstance(error, QueueFull):
        headers[hdrs.RETRY_AFTER] = str(error.details["retry_after"])
    if isinstance(error, MethodNotAllowed):
        headers[hdrs.ALLOW] = error.details["allowed"]
    content = msgspec.json.encode(body, enc_hook=str)
    return web.Response(body=content, status=error.status, content_type="application/json", headers=headers)


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    service = request.app[SERVICE]
    try:
        _check_host(request, service)
        _check_origin(request, service)
        if _is_preflight(request):
            return _preflight(request)
        request[CALLER] = _caller(request, service)
        with own_faults(request), service.running():
            return await handler(request)
    except InglenookError as error:
        return error_response(error)
    except web.HTTPException as error:
        return error_response(_translated(request, error))


def _request_id(request: web.Request) -> str:
    given = request.headers.get(REQUEST_ID_HEADER, "")
    return given if GIVEN_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _check_host(request: web.Request, service: Service) -> None:
    """Exactly one Host header, and one of ours: another site's name may be made to lead here."""
    if not request.raw_path.startswith("/"):
        raise InvalidRequest(reason="the request line must hold a path alone")
    given = request.headers.getall(hdrs.HOST, [])
    if len(given) != 1 or given[0].lower() not in service.hosts:
        raise HostNotAllowed(host=", ".join(given))


def _check_origin(request: web.Request, service: Service) -> None:
    for origin in request.headers.getall(hdrs.ORIGIN, []):
        if origin not in service.origins:
            raise OriginNotAllowed(origin=origin)


def _is_preflight(request: web.Request) -> bool:
    headers = request.headers
    return (
        request.method == hdrs.METH_OPTIONS and hdrs.ORIGIN in headers and hdrs.ACCESS_CONTROL_REQUEST_METHOD in headers
    )


def _preflight(request: web.Request) -> web.Response:
    """What an allowed page may do: every method that the route has is checked again when it comes."""
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, PUT, DELETE",
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ALLOWED_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: PREFLIGHT_SECONDS,
        },
    )


def _caller(request: web.Request, service: Service) -> str:
    """Whose request it is; empty for one without a key where none is needed. Raises Unauthorized."""
    if any(_same(key, service.token) for key in _keys(request)):
        return OWNER
    if service.configuration.settings.auth == "off":
        return LOCAL_CALLER
    if request.method == hdrs.METH_GET and request.path == OPEN_PATH:
        return ""
    raise Unauthorized


def _keys(request: web.Request) -> list[str]:
    scheme, _, bearer = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return [bearer.strip() if scheme.lower() == "bearer" else "", request.headers.get("x-api-key", "")]


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _translated(request: web.Request, error: web.HTTPException) -> InglenookError:
    """aiohttp's own refusals as ours."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return MethodNotAllowed(path=request.path, method=request.method, allowed=allowed)
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return BodyTooLarge(limit_mb=request.client_max_size >> 20)
    if isinstance(error, web.HTTPNotFound):
        return NotFound(path=request.path)
    if error.status < 500:
        return InvalidRequest(reason=error.reason)
    return InternalError(reason=error.reason, request_id=request[REQUEST_ID])


def _log(request: web.Request, status: int, began: float) -> None:
    fields: dict[str, Any] = {
        "request_id": request[REQUEST_ID],
        "method": request.method,
        "path": request.path,
        "status": status,
        "ms": round((time.perf_counter() - began) * 1000, 1),
    }
    log.info("request", extra=fields)
