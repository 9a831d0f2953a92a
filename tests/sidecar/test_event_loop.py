"""The service within this process: nothing in it blocks the event loop, and a fault of ours is told as one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from blockbuster import BlockBuster

from sidecar import errors
from sidecar.client import Client
from sidecar.config import Configuration
from sidecar.paths import Paths
from sidecar.routes.call import Origin, Service
from sidecar.runtime.manager import ModelManager
from sidecar.server import listening
from sidecar.types import ClassifyRequest, EmbedRequest, GenerateRequest, RegisterRequest
from tests.helpers.models import echo_model

TOKEN = "token-of-this-test"


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[tuple[Client, Service]]:
    """A client of a service whose server runs in this event loop."""
    paths = Paths.in_folder(tmp_path / "data")
    flags = {"port": 0, "spare_worker": False, "offline": True}
    configuration = Configuration.load(paths.config_file, environment={}, flags=flags)
    async with ModelManager.open(configuration.settings, paths) as manager:
        service = Service(manager, paths, configuration, Origin(paths.config_file, flags), TOKEN)
        async with listening(service) as url, Client(url, TOKEN) as client:
            yield client, service


async def test_no_route_blocks_the_event_loop(
    inside: tuple[Client, Service], tmp_path: Path, nothing_blocks: BlockBuster
) -> None:
    client, _ = inside
    for name in ("text_generation", "classification", "embedding"):
        path = str(echo_model(tmp_path / name))
        await client.register(RegisterRequest(name=name, model_type=name, model_path=path))
    await client.generate("text_generation", GenerateRequest(prompt="a b c"))
    async with aclosing(client.stream("text_generation", GenerateRequest(prompt="a b c"))) as chunks:
        assert [chunk async for chunk in chunks][-1].done
    await client.classify("classification", ClassifyRequest(texts=["a"] * 100))
    await client.embed("embedding", EmbedRequest(["a"] * 100))
    await client.models()
    await client.health()
    await client.system()
    await client.catalogue()
    await client.recommended()
    await client.lightweight_models()
    await client.lightweight_status()
    await client.metrics()
    await client.history()
    await client.change_settings({"queue_limit": 5})
    await client.unload("embedding")
    await client.remove("embedding")
    assert (await client.delete_history()).deleted >= 4


async def test_a_fault_of_ours_is_a_500_with_the_request_id_and_no_more(
    inside: tuple[Client, Service], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client, service = inside

    def broken() -> None:
        raise KeyError("inner secret")

    monkeypatch.setattr(service.manager, "models", broken)
    with caplog.at_level(logging.ERROR), pytest.raises(errors.InternalError) as caught:
        await client.models()
    assert "inner secret" not in caught.value.message
    assert caught.value.details["request_id"] in caught.value.message
    (record,) = caplog.records
    assert record.request_id == caught.value.details["request_id"]  # type: ignore[attr-defined]


async def test_a_service_that_is_stopping_refuses_new_requests(inside: tuple[Client, Service]) -> None:
    client, service = inside
    await service.drain(0)
    with pytest.raises(errors.NotReady, match="stopping"):
        await client.models()


async def test_a_client_that_reads_nothing_is_given_up(
    inside: tuple[Client, Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.routes.streaming.HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr("sidecar.routes.streaming.STUCK_SECONDS", 0.2)
    client, _ = inside
    path = str(echo_model(tmp_path / "endless", repeat=0, context_length=10_000_000))
    await client.register(RegisterRequest(name="endless", model_type="text_generation", model_path=path))
    body = {"prompt": "word" * 10_000, "max_new_tokens": 5_000_000, "stream": True}
    with contextlib.closing(await _ask_and_read_nothing(client.url + "/models/endless/generate", body)):
        async with asyncio.timeout(20):
            while not (ended := (await client.history()).entries):  # noqa: ASYNC110 - it is told nowhere else
                await asyncio.sleep(0.02)
    assert ended[0].outcome == "cancelled"


async def _ask_and_read_nothing(url: str, body: dict[str, object]) -> socket.socket:
    to, content = urlsplit(url), json.dumps(body).encode()
    connection = socket.create_connection((to.hostname, to.port))
    head = f"POST {to.path} HTTP/1.1\r\nHost: {to.netloc}\r\nx-api-key: {TOKEN}\r\nContent-Length: {len(content)}\r\n"
    await asyncio.to_thread(connection.sendall, head.encode() + b"Content-Type: application/json\r\n\r\n" + content)
    return connection


async def test_heartbeats_come_while_there_is_nothing_to_say(
    inside: tuple[Client, Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.routes.streaming.HEARTBEAT_SECONDS", 0.05)
    client, _ = inside
    path = str(echo_model(tmp_path / "slow", load_ms=1000))
    await client.register(RegisterRequest(name="slow", model_type="text_generation", model_path=path))
    await client.unload("slow")
    body = {"prompt": "[[error]]", "stream": True}
    async with (
        aiohttp.ClientSession(headers={"x-api-key": TOKEN}) as session,
        session.post(client.url + "/models/slow/generate", json=body) as answer,
    ):
        *waiting, last = (await answer.read()).strip().split(b"\n\n")
    assert len(waiting) > 5
    assert set(waiting) == {b": waiting"}
    assert b'"inference_failed"' in last
