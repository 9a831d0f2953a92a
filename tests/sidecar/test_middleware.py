"""What stands before every route, against the real service: keys, hosts, origins, request ids, limits, malformed HTTP."""

from __future__ import annotations

import asyncio
import gzip
import io
import re
from typing import Any

import aiohttp
import msgspec
import pytest

from sidecar.config import Settings
from sidecar.middleware import allowed_hosts
from sidecar.routes.call import MODEL_ID, Route
from sidecar.routes.table import ROUTES
from tests.helpers.service import RunningService

ALLOWED = "https://page.example"
MB = 1 << 20


async def send(
    service: RunningService, method: str, path: str, headers: dict[str, str] | None = None, data: bytes | None = None
) -> tuple[int, Any, Any]:
    """Status, headers, body; JSON where it is JSON."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, service.url + path, headers=headers or {}, data=data and io.BytesIO(data)) as answer,
    ):
        content = await answer.read()
        is_json = content and answer.content_type == "application/json"
        body = msgspec.json.decode(content) if is_json else content
        return answer.status, answer.headers, body


async def raw(service: RunningService, request: bytes) -> bytes:
    """Whatever comes back for these bytes until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(request)
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# ---- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
async def test_no_route_but_health_answers_without_a_key(route: Route, service: RunningService) -> None:
    status, headers, body = await send(service, route.method, route.path.replace(MODEL_ID, "echo"))
    if route.path == "/health":
        assert (status, body) == (200, {"status": "healthy"})
    else:
        assert (status, body["error"]["code"]) == (401, "unauthorized")
        assert headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/nothing", "/models/echo/nothing/at/all", "//", "/health/", "/HEALTH", "/healthz"])
async def test_unknown_routes_are_denied_without_a_key_too(path: str, service: RunningService) -> None:
    assert (await send(service, "GET", path))[0] == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
async def test_health_needs_a_key_for_any_other_method(method: str, service: RunningService) -> None:
    assert (await send(service, method, "/health"))[0] == 401


@pytest.mark.parametrize(
    "make",
    [
        lambda token: {"Authorization": f"Bearer {token}"},
        lambda token: {"Authorization": f"bearer {token}"},
        lambda token: {"x-api-key": token},
        lambda token: {"X-API-Key": token, "Authorization": "Bearer something-else"},
    ],
)
async def test_a_key_may_come_in_either_header(make: Any, service: RunningService) -> None:
    assert (await send(service, "GET", "/", make(service.token)))[0] == 200


@pytest.mark.parametrize(
    "make",
    [
        lambda token: {"Authorization": f"Basic {token}"},
        lambda token: {"Authorization": token},
        lambda token: {"Authorization": "Bearer "},
        lambda token: {"Authorization": f"Bearer {token[:-1]}"},
        lambda token: {"Authorization": f"Bearer {token}x"},
        lambda token: {"Authorization": f"Bearer {token.swapcase()}"},
        lambda token: {"x-api-key": ""},
        lambda token: {"x-api-key": "schlüssel"},
        lambda token: {"Cookie": f"token={token}"},
    ],
)
async def test_anything_else_is_no_key(make: Any, service: RunningService) -> None:
    assert (await send(service, "GET", "/", make(service.token)))[0] == 401


async def test_a_key_in_the_address_is_no_key(service: RunningService) -> None:
    assert (await send(service, "GET", f"/?token={service.token}"))[0] == 401


# ---- hosts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
async def test_a_loopback_name_with_our_port_is_answered(name: str, service: RunningService) -> None:
    headers = service.headers | {"Host": f"{name}:{service.port}"}
    assert (await send(service, "GET", "/", headers))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}", "127.0.0.1", "localhost", "127.0.0.1:1", "127.0.0.1:{port}.evil.example", "127.0.0.1.nip.io:{port}",
        "localhost.:{port}", "0.0.0.0:{port}", "127.1:{port}", "2130706433:{port}", "user@127.0.0.1:{port}", "127.0.0.2:{port}", "::1:{port}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/health", "/nothing"])
async def test_any_other_host_is_refused_on_every_route(host: str, path: str, service: RunningService) -> None:
    headers = service.headers | {"Host": host.format(port=service.port)}
    status, _, body = await send(service, "GET", path, headers)
    assert (status, body["error"]["code"]) == (403, "host_not_allowed")


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        ["127.0.0.1:{port}", "evil.example"],
        ["evil.example", "127.0.0.1:{port}"],
        [""],
    ],
)
async def test_there_must_be_exactly_one_host(hosts: list[str], service: RunningService) -> None:
    lines = "".join(f"Host: {host.format(port=service.port)}\r\n" for host in hosts)
    answer = await raw(service, f"GET /health HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
    assert status_of(answer) in {400, 403}


async def test_a_whole_address_in_the_request_line_is_refused(service: RunningService) -> None:
    line = f"GET http://evil.example/health HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nConnection: close\r\n\r\n"
    assert status_of(await raw(service, line.encode())) == 400


def test_configured_hosts_are_allowed_exactly() -> None:
    hosts = allowed_hosts(Settings(allowed_hosts=["Box.example", "other.example:443"]), 8000)
    assert {"box.example", "box.example:8000", "other.example:443"} <= hosts
    assert "sub.box.example:8000" not in hosts


def test_the_address_that_is_bound_is_allowed_but_all_addresses_are_not() -> None:
    assert "192.168.1.5:8000" in allowed_hosts(Settings(host="192.168.1.5"), 8000)
    assert not any("0.0.0.0" in host for host in allowed_hosts(Settings(host="0.0.0.0"), 8000))


def test_the_port_may_be_left_out_only_when_it_is_the_default_one() -> None:
    assert "localhost" in allowed_hosts(Settings(), 80)
    assert "localhost" not in allowed_hosts(Settings(), 8000)


# ---- origins --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example", "null", "file://", "chrome-extension://abc", "http://page.example", "https://page.example:8443",
        "https://page.example.evil.example", "https://PAGE.example", "*", "http://127.0.0.1:{port}", "http://localhost:{port}", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
async def test_an_origin_that_is_not_listed_is_refused_on_every_method(
    origin: str, method: str, service: RunningService
) -> None:
    headers = service.headers | {"Origin": origin.format(port=service.port), "Access-Control-Request-Method": "POST"}
    status, answered, body = await send(service, method, "/models", headers)
    assert (status, body["error"]["code"]) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in answered


async def test_a_listed_origin_may_read_the_answer(service: RunningService) -> None:
    status, headers, _ = await send(service, "GET", "/models", service.headers | {"Origin": ALLOWED})
    assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (200, ALLOWED, "Origin")
    assert "Access-Control-Allow-Credentials" not in headers


async def test_a_listed_origin_still_needs_a_key_and_may_read_that(service: RunningService) -> None:
    status, headers, _ = await send(service, "GET", "/models", {"Origin": ALLOWED})
    assert (status, headers["Access-Control-Allow-Origin"]) == (401, ALLOWED)


async def test_the_preflight_of_a_listed_origin_needs_no_key(service: RunningService) -> None:
    asked = {
        "Origin": ALLOWED,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    status, headers, _ = await send(service, "OPTIONS", "/models/echo/generate", asked)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, ALLOWED)
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "authorization" in headers["Access-Control-Allow-Headers"].lower()


async def test_the_preflight_of_another_host_s_name_is_refused(service: RunningService) -> None:
    asked = {"Origin": ALLOWED, "Access-Control-Request-Method": "POST", "Host": "evil.example"}
    status, headers, _ = await send(service, "OPTIONS", "/models", asked)
    assert (status, headers.get("Access-Control-Allow-Origin")) == (403, ALLOWED)


async def test_a_stream_for_a_listed_origin_has_the_header_too(service: RunningService) -> None:
    headers = service.headers | {"Origin": ALLOWED, "Content-Type": "application/json"}
    body = b'{"prompt": "a", "stream": true}'
    status, answered, _ = await send(service, "POST", "/models/echo/generate", headers, body)
    assert (status, answered["Access-Control-Allow-Origin"]) == (200, ALLOWED)
    assert answered["X-Request-ID"]


# ---- request ids ----------------------------------------------------------------------------------------------------


async def test_a_request_id_is_given_back(service: RunningService) -> None:
    _, headers, _ = await send(service, "GET", "/health", {"X-Request-ID": "mine-1.a_B"})
    assert headers["X-Request-ID"] == "mine-1.a_B"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", "a\tb"])
async def test_an_id_that_is_none_is_replaced(given: str, service: RunningService) -> None:
    _, headers, _ = await send(service, "GET", "/health", {"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-ID"])


async def test_errors_have_a_request_id_too(service: RunningService) -> None:
    assert (await send(service, "GET", "/nothing"))[1]["X-Request-ID"]


# ---- routes and bodies ----------------------------------------------------------------------------------------------


async def test_an_unknown_route_is_a_404_in_the_native_shape(service: RunningService) -> None:
    status, _, body = await send(service, "GET", "/nothing", service.headers)
    assert (status, body["error"]["code"], body["error"]["details"]) == (404, "not_found", {"path": "/nothing"})
    assert body["detail"] == body["error"]["message"]


async def test_a_wrong_method_is_a_405_that_says_which_there_are(service: RunningService) -> None:
    status, headers, body = await send(service, "PATCH", "/models", service.headers)
    assert (status, body["error"]["code"]) == (405, "method_not_allowed")
    assert headers["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonp"]
)
async def test_a_body_that_is_not_called_json_is_refused(kind: str, service: RunningService) -> None:
    headers = service.headers | {"Content-Type": kind}
    status, _, body = await send(service, "POST", "/models/echo/generate", headers, b'{"prompt": "a"}')
    assert (status, body["error"]["code"]) == (415, "unsupported_media_type")


async def test_json_may_name_its_character_set(service: RunningService) -> None:
    headers = service.headers | {"Content-Type": "application/json; charset=utf-8"}
    assert (await send(service, "POST", "/models/echo/generate", headers, b'{"prompt": "a"}'))[0] == 200


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "empty"),
        (b"{", "truncated"),
        (b'{"prompt": "a",}', "byte 15"),
        (b'{"prompt": "a"} x', "byte 17"),
        (b'{"prompt": "\xff"}', "UTF-8"),
        (b"\xef\xbb\xbf{}", "byte 0"),
        (b'{"prompt": NaN}', "byte"),
        (b'{"prompt": "a", "temperature": 1e999}', "range"),
        (b"[" * 100_000, "object"),
        (b'{"prompt": "a", "x": ' + b"[" * 100_000, "`x`"),
        (b'"prompt"', "object"),
        (b"null", "object"),
        (b"\x00", "byte 0"),
    ],
    ids=range(13),
)
async def test_a_body_that_is_garbage_is_a_400_that_says_where(
    data: bytes, named: str, service: RunningService
) -> None:
    headers = service.headers | {"Content-Type": "application/json"}
    status, _, body = await send(service, "POST", "/models/echo/generate", headers, data)
    assert (status, body["error"]["code"]) == (400, "invalid_request")
    assert named in body["detail"]


async def test_a_body_nested_too_deeply_is_a_400(service: RunningService) -> None:
    headers = service.headers | {"Content-Type": "application/json"}
    data = b'{"model_type": "embedding", "data": {"a": ' + b"[" * 100_000
    status, _, body = await send(service, "POST", "/inference", headers, data)
    assert status == 400
    assert "nested" in body["detail"]


async def test_half_a_surrogate_pair_is_no_internal_error(service: RunningService) -> None:
    headers = service.headers | {"Content-Type": "application/json"}
    status, _, _ = await send(service, "POST", "/models/echo/generate", headers, rb'{"prompt": "\ud800 a"}')
    assert status in {200, 400}


def body_of(size: int) -> bytes:
    """A JSON body of exactly so many bytes."""
    start, end = b'{"texts": ["', b'"]}'
    return start + b"a" * (size - len(start) - len(end)) + end


async def test_a_body_at_the_limit_is_taken(service: RunningService) -> None:
    headers = service.headers | {"Content-Type": "application/json"}
    assert (await send(service, "POST", "/models/embedder/embed", headers, body_of(MB)))[0] == 200


async def test_a_body_over_the_limit_is_a_413_that_names_it(service: RunningService) -> None:
    headers = service.headers | {"Content-Type": "application/json"}
    status, _, body = await send(service, "POST", "/models/embedder/embed", headers, body_of(MB + 1))
    assert (status, body["error"]["code"]) == (413, "body_too_large")
    assert "1 MB" in body["detail"]


async def test_a_body_without_a_length_is_cut_off_at_the_limit(service: RunningService) -> None:
    head = (
        f"POST /models/embedder/embed HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nx-api-key: {service.token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    assert status_of(await raw(service, head.encode() + chunk * 17 + b"0\r\n\r\n")) == 413


async def test_a_compressed_body_is_refused_unopened(service: RunningService) -> None:
    headers = service.headers | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    for packed in (gzip.compress(body_of(64 * MB)), b"not gzip"):
        status, _, body = await send(service, "POST", "/models/embedder/embed", headers, packed)
        assert (status, body["error"]["code"]) == (415, "unsupported_media_type")
        assert "gzip" in body["detail"]


async def test_a_body_where_none_belongs_is_refused(service: RunningService) -> None:
    headers = service.headers | {"Content-Type": "application/json"}
    assert (await send(service, "DELETE", "/models/nope", headers, b'{"force": true}'))[0] == 400


# ---- malformed HTTP -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=range(10),
)
async def test_what_is_not_http_is_a_400_or_the_end_and_hurts_nobody(
    request_bytes: bytes, service: RunningService
) -> None:
    answer = await raw(service, request_bytes)
    assert not answer or 400 <= status_of(answer) < 500
    assert b"Traceback" not in answer
    assert (await send(service, "GET", "/health"))[0] == 200


async def test_malformed_http_is_logged_without_its_words(service: RunningService) -> None:
    before = len(service.log())
    await raw(service, b"GET / HTTP/1.1\r\nAuthorization Bearer some-secret\r\n\r\n")
    await send(service, "GET", "/health")
    async with asyncio.timeout(30):
        while "malformed HTTP" not in service.log()[before:]:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
    assert "some-secret" not in service.log()
    assert '"level":"error"' not in service.log()[before:]
