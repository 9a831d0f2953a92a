"""`POST /tasks` and `/tasks/release`: the same result over HTTP as from Python."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from sidecar.client import Client
from tests.helpers.service import RunningService


async def test_null_data_only_loads(client: Client) -> None:
    result = await client.task(task_data=None, task_type="embedding", model_name="embedder", keep_alive=-1)
    assert result.success
    assert result.data is not None
    assert {
        "preloaded": True,
        "model_name": "embedder",
        "workers": 1,
        "keep_alive_minutes": -1,
    }.items() <= result.data.items()
    assert "device" in result.data


@pytest.mark.parametrize(
    ("task_type", "model", "data", "field"),
    [
        ("text_generation", "echo", "hello", "generated_text"),
        ("text_generation", "echo", {"prompts": ["a", "b"]}, "results"),
        ("classification", "classifier", ["a", "b"], "results"),
        ("classification", "classifier", {"text": "a"}, "classifications"),
        ("translation", "translator", {"text": "a", "target_lang": "de"}, "translated_text"),
        ("embedding", "embedder", ["a", "b"], "embeddings"),
    ],
)
async def test_a_task_s_data_is_what_its_own_route_answers(
    task_type: Any, model: str, data: Any, field: str, client: Client
) -> None:
    result = await client.task(task_data=data, task_type=task_type, model_name=model, keep_alive=-1)
    assert result.success
    assert result.error is None
    assert field in (result.data or {})


async def test_a_released_model_is_not_in_memory(client: Client) -> None:
    await client.task(task_type="embedding", model_name="embedder")
    assert (await client.release_model("embedder")).success
    assert not (await client.model("embedder")).is_loaded


async def test_a_failed_task_has_its_error_s_status_and_both_shapes(service: RunningService) -> None:
    body = {"task_data": "a", "task_type": "embedding", "model_name": "nope"}
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.post(service.url + "/tasks", json=body) as answer,
    ):
        result = await answer.json()
    assert answer.status == 404
    assert (result["success"], result["data"], result["error"]["code"]) == (False, None, "model_not_found")
    assert result["detail"] == result["error"]["message"]


async def test_the_client_returns_a_failure_instead_of_raising_it(client: Client) -> None:
    for result in (
        await client.task(task_data="a", task_type="embedding", model_name="nope"),
        await client.task(task_data="a", task_type="embedding", model_name="embedder", num_workers=0),
        await client.release_model("nope"),
    ):
        assert not result.success
        assert result.error is not None


async def test_a_wrong_body_is_a_400_that_names_what_is_wrong(service: RunningService) -> None:
    body = {"task_data": "a", "task_type": "embedding", "model_name": "embedder", "colour": "red"}
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.post(service.url + "/tasks", json=body) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "invalid_request")
        assert "colour" in (await answer.json())["detail"]
