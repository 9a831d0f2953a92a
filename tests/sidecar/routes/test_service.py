"""The service's own routes: root, health, system, events, metrics, history, settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from sidecar import __version__, errors
from sidecar.client import Client
from sidecar.config import Settings
from sidecar.types import ClassifyRequest, GenerateRequest
from tests.helpers.service import RunningService

StartService = Callable[..., RunningService]


async def test_the_root_says_what_this_is(client: Client) -> None:
    root = await client.root()
    assert (root.service, root.version, root.status) == ("Inglenook", __version__, "running")
    assert root.models_loaded >= 1


async def test_health_without_a_key_says_only_that_it_answers(service: RunningService) -> None:
    async with aiohttp.ClientSession() as session, session.get(service.url + "/health") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "healthy"})


async def test_health_with_a_wrong_key_says_no_more(service: RunningService) -> None:
    headers = {"x-api-key": "wrong"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(service.url + "/health") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "healthy"})


async def test_health_with_a_key_tells_how_it_fares(client: Client) -> None:
    health = await client.health()
    assert health.status == "healthy"
    assert health.models_loaded is not None
    assert health.models_loaded >= 1
    assert health.memory_usage_mb is not None
    assert health.memory_usage_mb > 0
    assert health.disk_free_mb is not None
    assert health.uptime_s is not None
    assert health.queue_depth == 0


async def test_system_describes_the_machine(client: Client) -> None:
    system = await client.system()
    assert system.logical_cores >= 1
    assert system.memory_total_mb > system.memory_limit_mb > 0
    assert system.version == __version__


async def test_events_tell_of_a_model_s_states(client: Client) -> None:
    seen: list[str | None] = []
    listening = asyncio.Event()

    async def listen() -> None:
        async for event in client.events():
            listening.set()
            if event.model == "classifier":
                seen.append(event.state)
                if event.state == "loaded":
                    return

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(listen())
        await listening.wait()  # the figures of the machine come about once a second
        await client.unload("classifier")
        await client.load("classifier")
    assert seen == ["unloaded", "loading", "loaded"]


async def test_metrics_are_in_prometheus_format_and_count_requests(client: Client, service: RunningService) -> None:
    def count(text: str) -> float:
        line = 'inglenook_requests_total{kind="generate",model="echo",outcome="ok"} '
        return sum(float(row.removeprefix(line)) for row in text.splitlines() if row.startswith(line))

    before = count(await client.metrics())
    await client.generate("echo", GenerateRequest(prompt="one"))
    assert count(await client.metrics()) == before + 1
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.get(service.url + "/metrics") as answer,
    ):
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")


async def test_history_is_filtered_and_paged(client: Client) -> None:
    for _ in range(3):
        await client.classify("classifier", ClassifyRequest(text="secret words"))
    first = await client.history(model="classifier", kind="classify", key="owner", limit=2)
    assert [entry.outcome for entry in first.entries] == ["ok", "ok"]
    assert first.total >= 3
    assert first.next_before is not None
    second = await client.history(model="classifier", before=first.next_before, limit=1)
    assert second.entries[0].id < first.entries[-1].id
    assert (await client.history(model="classifier", until=first.entries[-1].time - 3600)).entries == []


async def test_history_keeps_no_texts_unless_the_settings_say_so(client: Client) -> None:
    await client.generate("echo", GenerateRequest(prompt="private"))
    without = (await client.history(model="echo", limit=1)).entries[0]
    await client.change_settings({"history_texts": True})
    await client.generate("echo", GenerateRequest(prompt="private"))
    within = (await client.history(model="echo", limit=1)).entries[0]
    await client.change_settings({"history_texts": None})
    assert (without.input_text, without.output_text) == (None, None)
    assert (within.input_text, within.output_text) == ("private", "private")


async def test_history_shows_only_errors_when_asked(client: Client) -> None:
    with pytest.raises(errors.ContextExceeded):
        await client.generate("echo", GenerateRequest(prompt="word " * 5000))
    page = await client.history(errors=True, limit=1)
    assert page.entries[0].error_code == "context_exceeded"


async def test_deleting_history_deletes_what_matches(client: Client) -> None:
    await client.generate("org/echo", GenerateRequest(prompt="a"))
    await client.generate("echo", GenerateRequest(prompt="a"))
    deleted = await client.delete_history(model="org/echo")
    assert deleted.deleted >= 1
    assert (await client.history(model="org/echo")).total == 0
    assert (await client.history(model="echo")).total >= 1


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("colour=red", "colour"),
        ("limit=1&limit=2", "limit"),
        ("errors=maybe", "errors"),
    ],
)
async def test_a_wrong_query_is_a_400_that_names_it(query: str, named: str, service: RunningService) -> None:
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.get(f"{service.url}/history?{query}") as answer,
    ):
        assert answer.status == 400
        assert named in (await answer.json())["detail"]


async def test_every_setting_is_listed_and_explained(client: Client) -> None:
    rows = await client.settings()
    assert [row.key for row in rows] == list(Settings.__struct_fields__)
    assert all(row.description for row in rows)


async def test_a_changed_setting_is_in_force_in_the_file_and_announced(start_service: StartService) -> None:
    service = start_service()
    async with service.client() as client, asyncio.timeout(60):
        events = client.events()
        await anext(events)
        await client.change_settings({"queue_limit": 7, "allowed_origins": ["https://a.example"]})
        while (await anext(events)).type != "settings":
            pass
        await events.aclose()
        rows = {row.key: row for row in await client.settings()}
    assert (rows["queue_limit"].value, rows["queue_limit"].source) == (7, "file")
    assert "queue_limit = 7" in service.paths.config_file.read_text("utf-8")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"colour": None}, "colour"),
        ({"queue_limit": 0}, "queue_limit"),
        ({"queue_limit": "many"}, "queue_limit"),
        ({"auth": "off", "host": "0.0.0.0"}, "auth"),
        ({"host": {"a": [None]}}, "host"),
        ({"host": "0.0.0.0.127.0.0.1"}, "host"),
        ({"host": "no-such-host.invalid"}, "host"),
        ({"host": "\0"}, "host"),
    ],
)
async def test_a_wrong_setting_is_refused_by_name_and_nothing_is_written(
    values: dict[str, Any], named: str, client: Client, service: RunningService
) -> None:
    file = service.paths.config_file
    before = file.read_text("utf-8") if file.exists() else ""
    with pytest.raises(errors.InvalidRequest, match=named):
        await client.change_settings(values)
    assert (file.read_text("utf-8") if file.exists() else "") == before


async def test_shutdown_answers_and_then_ends_the_service(start_service: StartService) -> None:
    service = start_service()
    async with service.client() as client:
        assert (await client.shutdown()).status == "stopping"
    assert service.wait() == 0
    assert not service.paths.runtime_file.exists()


async def test_no_prompt_is_in_the_log(client: Client, service: RunningService) -> None:
    await client.generate("echo", GenerateRequest(prompt="xylophone"))
    with pytest.raises(errors.ContextExceeded):
        await client.generate("echo", GenerateRequest(prompt="xylophone " * 5000))
    log = service.log()
    assert "/models/echo/generate" in log
    assert "xylophone" not in log


async def test_every_request_is_one_json_line_in_the_log(client: Client, service: RunningService) -> None:
    def logged() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in service.log().splitlines()]
        return [line for line in lines if line.get("path") == "/models/summary"]

    earlier = len(logged())
    await client.summary()
    async with asyncio.timeout(20):
        while not (found := logged()[earlier:]):  # noqa: ASYNC110 - a thread writes the log and tells nobody
            await asyncio.sleep(0.02)
    line = found[-1]
    assert line["status"] == 200
    assert line["request_id"]
