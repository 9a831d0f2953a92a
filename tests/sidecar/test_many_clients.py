"""Many, slow and vanishing clients at once, and many requests one after another."""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec
import psutil
import pytest

from sidecar.client import Client
from sidecar.types import GenerateRequest, GenerateResponse
from tests.helpers.service import RunningService, has_requests

CONNECTIONS = 200


async def open_stream(service: RunningService, tokens: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A stream over a connection of its own, of which nothing is read yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=2**10)
    body = msgspec.json.encode({"prompt": "again " * 50, "max_new_tokens": tokens, "stream": True})
    head = (
        f"POST /models/endless/generate HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nx-api-key: {service.token}\r\n"
        f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def test_200_connections_at_once_each_get_their_own_answer(service: RunningService) -> None:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(headers=service.headers, connector=connector) as session:

        async def ask(number: int) -> str:
            body = {"prompt": f"number {number}"}
            async with session.post(service.url + "/models/echo/generate", json=body) as answer:
                return str((await answer.json())["generated_text"])

        answers = await asyncio.gather(*(ask(number) for number in range(CONNECTIONS)))
    assert answers == [f"number {number}" for number in range(CONNECTIONS)]


async def test_200_streams_at_once_each_get_their_own_answer(service: RunningService) -> None:
    async with service.client() as client:

        async def ask(number: int) -> str:
            return "".join(
                [chunk.text async for chunk in client.stream("echo", GenerateRequest(prompt=f"number {number}"))]
            )

        answers = await asyncio.gather(*(ask(number) for number in range(CONNECTIONS)))
    assert answers == [f"number {number}" for number in range(CONNECTIONS)]


async def test_clients_that_vanish_all_at_once_leave_nothing_behind(service: RunningService, client: Client) -> None:
    opened = [await open_stream(service, 1_000_000) for _ in range(50)]
    await has_requests(client, "endless", True)
    for _, writer in opened:
        writer.transport.abort()
    await has_requests(client, "endless", False)
    assert (await client.health()).queue_depth == 0


async def test_a_client_that_reads_nothing_costs_others_nothing_and_little_memory(
    service: RunningService, client: Client
) -> None:
    process = psutil.Process(service.process.pid)
    before = process.memory_info().rss
    _, writer = await open_stream(service, 2000)
    await has_requests(client, "endless", True)
    answer = await client.generate("echo", GenerateRequest(prompt="meanwhile"))
    assert isinstance(answer, GenerateResponse)
    assert answer.generated_text == "meanwhile"
    assert process.memory_info().rss - before < 20e6
    writer.transport.abort()
    await has_requests(client, "endless", False)


async def test_a_slow_client_gets_the_whole_answer(service: RunningService, client: Client) -> None:
    reader, writer = await open_stream(service, 100)
    content = b""
    while piece := await reader.read(512):
        content += piece
        await asyncio.sleep(0.001)
    writer.close()
    assert content.count(b"again") == 100
    assert b'"done":true' in content


@pytest.mark.timeout(300)
async def test_many_requests_do_not_make_it_grow(service: RunningService, client: Client) -> None:
    process = psutil.Process(service.process.pid)

    async def ask(times: int) -> None:
        for _ in range(times):
            await client.generate("echo", GenerateRequest(prompt="word"))

    await asyncio.gather(*(ask(50) for _ in range(10)))
    before = process.memory_info().rss
    await asyncio.gather(*(ask(250) for _ in range(10)))
    assert process.memory_info().rss - before < 8e6
