"""Serves one row of the table: reads query and body as the row's types, calls its handler, writes the answer.

Nothing is ignored in silence: what the row does not name is refused by name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from sidecar import decoding
from sidecar.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from sidecar.routes.call import CALLER, MODEL_ID, SERVICE, Call, Route
from sidecar.types import Request


class Nothing(Request):
    """The body of a route that takes none: empty, or `{}`."""


def register(app: web.Application, routes: list[Route]) -> None:
    """Serve the routes, those with fixed words before those that take any model's id."""
    model_id = id_pattern(routes)
    for route in sorted(routes, key=_by_precision):
        app.router.add_route(route.method, route.path.replace(MODEL_ID, model_id), serve(route))


def id_pattern(routes: list[Route]) -> str:
    """A model's id in a path: one name, or two with a slash between them.

    A second name that is an action's word is that action, unless the slash is encoded: then it is part of the first.
    """
    actions = {route.path.rpartition("/")[2] for route in routes if f"{MODEL_ID}/" in route.path}
    return rf"{{model_id:[^/]+(?:/(?!(?:{'|'.join(sorted(actions))})$)[^/]+)?}}"


def serve(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The aiohttp handler of a route."""
    may_be_empty = route.may_be_empty or route.body is None

    async def handle(request: web.Request) -> web.StreamResponse:
        call = Call(request, request.app[SERVICE], request[CALLER])
        query = read_query(request, route.query)
        body = await read_body(request, route.body or Nothing, may_be_empty=may_be_empty)
        inputs = ([query] if route.query else []) + ([body] if route.body else [])
        answer = await route.handler(call, *inputs)
        return answer if isinstance(answer, web.StreamResponse) else json_response(answer)

    return handle


def json_response(answer: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")


def read_query(request: web.Request, kind: type[Struct] | None) -> Any:
    """The query as a Struct. Raises InvalidRequest that names what is wrong or unknown."""
    given = request.query
    repeated = [name for name in given if len(given.getall(name)) > 1]
    if repeated:
        raise InvalidRequest(reason=f"the query has {repeated[0]!r} more than once")
    try:
        return decoding.convert(dict(given), kind or Nothing, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(reason=f"in the query: {error}") from error


async def read_body(request: web.Request, kind: type[Struct], *, may_be_empty: bool) -> Any:
    """The body as a Struct. Raises InvalidRequest, UnsupportedMediaType, BodyTooLarge."""
    content = await _content(request)
    if not content:
        if may_be_empty:
            return decoding.from_json(b"{}", kind)
        raise InvalidRequest(reason="the body is empty; send a JSON object")
    packed = request.headers.get("Content-Encoding", "identity")
    if packed.lower() != "identity":
        raise UnsupportedMediaType(
            f"The body is compressed with {packed!r}. Send it as it is.", content_encoding=packed
        )
    if request.content_type != "application/json":
        raise UnsupportedMediaType(content_type=request.headers.get("Content-Type", ""))
    try:
        return decoding.from_json(content, kind)
    except UnicodeDecodeError as error:
        raise InvalidRequest(reason=f"the body is not valid UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise InvalidRequest(reason="the body is nested too deeply") from error
    except msgspec.MsgspecError as error:
        raise InvalidRequest(reason=str(error)) from error


async def _content(request: web.Request) -> bytes:
    limit = request.client_max_size
    if (request.content_length or 0) > limit:
        raise BodyTooLarge(limit_mb=limit >> 20)
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise BodyTooLarge(limit_mb=limit >> 20) from error


def _by_precision(route: Route) -> tuple[bool, bool]:
    """Fixed paths first, then an action on a model, then the model itself."""
    return MODEL_ID in route.path, route.path.endswith(MODEL_ID)
