"""The typed client: what it makes of errors, of services that are gone, and of answers that are none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from sidecar import discovery, errors
from sidecar.client import Client
from sidecar.paths import Paths
from sidecar.types import Discovery, GenerateRequest, LoadRequest
from tests.helpers.service import RunningService

NOBODY = 2**22 + 1  # above the largest pid that Linux gives


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """The address of a server that says these bytes to whoever sends a line, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def test_connect_without_a_discovery_file_says_how_to_start_the_service(tmp_path: Path) -> None:
    with pytest.raises(errors.ServiceUnreachable, match="inglenook serve"):
        Client.connect(Paths.in_folder(tmp_path))


def test_connect_to_a_process_that_has_ended_is_unreachable(tmp_path: Path) -> None:
    paths = Paths.in_folder(tmp_path)
    discovery.write(paths.runtime_file, Discovery("http://127.0.0.1:1", NOBODY, "0", "t", 0.0))
    with pytest.raises(errors.ServiceUnreachable, match="has ended"):
        Client.connect(paths)


def test_connect_with_a_damaged_discovery_file_is_unreachable(tmp_path: Path) -> None:
    paths = Paths.in_folder(tmp_path)
    paths.runtime_file.write_text("{")
    with pytest.raises(errors.ServiceUnreachable, match="cannot be read"):
        Client.connect(paths)


def test_a_discovery_file_is_never_readable_by_others(tmp_path: Path) -> None:
    file = tmp_path / "runtime.json"
    file.write_text("an older one, open to all")
    file.chmod(0o644)
    discovery.write(file, Discovery("http://127.0.0.1:1", os.getpid(), "0", "t", 0.0))
    assert file.stat().st_mode & 0o077 == 0


async def test_connect_finds_the_running_service(service: RunningService) -> None:
    async with Client.connect(service.paths) as client:
        assert (await client.root()).service == "Inglenook"


@pytest.mark.parametrize("ask", [Client.root, Client.models, Client.metrics, Client.shutdown])
async def test_nobody_at_the_address_is_unreachable(ask: Callable[[Client], object]) -> None:
    async with Client("http://127.0.0.1:1") as client:
        with pytest.raises(errors.ServiceUnreachable, match=r"127\.0\.0\.1:1"):
            await ask(client)  # type: ignore[misc]


async def test_a_wrong_key_is_unauthorized(service: RunningService) -> None:
    async with Client(service.url, "wrong") as client:
        with pytest.raises(errors.Unauthorized):
            await client.models()


async def test_an_error_keeps_its_details(client: Client) -> None:
    with pytest.raises(errors.ModelNotFound) as caught:
        await client.model("no/such")
    assert caught.value.details == {"model": "no/such"}


async def test_a_stream_s_error_before_the_first_chunk_is_raised(client: Client) -> None:
    with pytest.raises(errors.ModelNotFound):
        await anext(client.stream("nope", GenerateRequest(prompt="a")))


async def test_a_stream_that_breaks_off_is_unreachable() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 1000\r\n\r\n"
    async with answering(head + b'data: {"text": "a"}\n\n') as url, Client(url) as client:
        chunks = client.stream("m", GenerateRequest(prompt="a"))
        assert (await anext(chunks)).text == "a"
        with pytest.raises(errors.ServiceUnreachable):
            await anext(chunks)


async def test_a_stream_that_ends_without_its_last_chunk_is_unreachable() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    async with answering(head + b'data: {"text": "a"}\n\n') as url, Client(url) as client:
        chunks = client.stream("m", GenerateRequest(prompt="a"))
        await anext(chunks)
        with pytest.raises(errors.ServiceUnreachable, match="ended early"):
            await anext(chunks)


async def test_heartbeats_are_no_chunks_and_events_may_come_in_pieces() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [b": waiting\n\n", b'data: {"te', b'xt": "a"}\n', b'\ndata: {"done": true}\n\n']
    body = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    async with answering(head + body) as url, Client(url) as client:
        chunks = [chunk async for chunk in client.stream("m", GenerateRequest(prompt="a"))]
    assert [(chunk.text, chunk.done) for chunk in chunks] == [("a", False), ("", True)]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\nConnection: close\r\n\r\noops!",
        b'HTTP/1.1 404 Not Found\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{"other":"shape"}'[:-1],
    ],
)
async def test_an_error_in_no_known_shape_names_its_status(answer: bytes) -> None:
    async with answering(answer) as url, Client(url) as client:
        with pytest.raises(errors.InglenookError, match=r"answered (502|404)"):
            await client.models()


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]"], ids=range(3)
)
async def test_what_does_not_speak_http_is_unreachable(answer: bytes) -> None:
    async with answering(answer) as url, Client(url) as client:
        with pytest.raises(errors.ServiceUnreachable):
            await client.models()


async def test_another_program_s_answer_is_unreachable_too() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>"
    async with answering(answer) as url, Client(url) as client:
        with pytest.raises(errors.ServiceUnreachable, match="not in the expected shape"):
            await client.models()


async def test_a_newer_service_s_unknown_fields_and_errors_are_understood() -> None:
    body = b'{"model_id": "m", "status": "loaded", "colour": "red"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    async with answering(head + body) as url, Client(url) as client:
        assert (await client.load("m", LoadRequest())).model_id == "m"
    body = b'{"error": {"code": "brand_new", "message": "Newer.", "details": {}}, "detail": "Newer."}'
    head = f"HTTP/1.1 418 Teapot\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    async with answering(head + body) as url, Client(url) as client:
        with pytest.raises(errors.InglenookError, match=r"Newer\."):
            await client.models()


async def test_a_client_may_be_made_outside_a_loop_and_closed_twice(service: RunningService) -> None:
    client = service.client()
    await client.root()
    await client.close()
    await client.close()


async def test_closing_a_stream_early_leaves_the_client_usable(client: Client) -> None:
    for _ in range(3):
        async with aclosing(client.stream("echo", GenerateRequest(prompt="a b c"))) as chunks:
            await anext(chunks)
    assert (await client.root()).status == "running"


async def test_large_requests_are_sent_whole(client: Client) -> None:
    with pytest.raises(errors.BodyTooLarge):
        await client.generate("echo", GenerateRequest(prompt="a" * (2 << 20)))


async def test_a_closed_client_opens_no_new_connection(service: RunningService) -> None:
    client = service.client()
    await client.close()
    with pytest.raises(errors.ServiceUnreachable, match="the client was closed"):
        await client.health()
