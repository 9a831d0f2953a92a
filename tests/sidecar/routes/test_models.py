"""The models' routes against the real service: register, list, change, load, unload, remove, and their errors."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import aiohttp
import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.types import GenerateRequest, LoadRequest, RegisterRequest, UpdateRequest
from tests.helpers.models import echo_model, tiny
from tests.helpers.service import RunningService, has_requests, running_service

DOCUMENTED = {
    "id", "name", "model_type", "model_path", "tokenizer_path", "device", "dtype", "max_length", "temperature", "top_p",
    "top_k", "is_loaded", "memory_usage_mb", "parameters_count", "version", "engine", "capabilities",
}  # fmt: skip


async def registered(client: Client, folder: Path, name: str, **knobs: object) -> str:
    request = RegisterRequest(
        name=name, model_type="text_generation", model_path=str(echo_model(folder / name, **knobs))
    )
    await client.register(request)
    return name


async def test_the_list_has_the_documented_fields(service: RunningService) -> None:
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.get(service.url + "/models") as answer,
    ):
        models = await answer.json()
    assert {"echo", "org/echo", "classifier"} <= {model["id"] for model in models}
    assert all(model.keys() >= DOCUMENTED for model in models)


async def test_registering_loads_the_model(client: Client, tmp_path: Path) -> None:
    request = RegisterRequest(name="fresh", model_type="text_generation", model_path=str(echo_model(tmp_path / "m")))
    answer = await client.register(request)
    assert (answer.model_id, answer.status) == ("fresh", "loaded")
    assert (await client.model("fresh")).is_loaded
    await client.remove("fresh")


@pytest.mark.parametrize("path", ["/models/org/echo", "/models/org%2Fecho"])
async def test_one_model_is_shown_with_its_slash_encoded_or_not(path: str, service: RunningService) -> None:
    async with aiohttp.ClientSession(headers=service.headers) as session, session.get(service.url + path) as answer:
        assert (await answer.json())["id"] == "org/echo"


async def test_the_summary_counts_by_type(client: Client) -> None:
    summary = await client.summary()
    models = await client.models()
    assert summary.total == len(models)
    assert summary.loaded == sum(model.is_loaded for model in models)
    assert sum(summary.by_type.values()) == summary.total


async def test_a_change_keeps_what_it_does_not_name_and_null_returns_to_the_default(
    client: Client, tmp_path: Path
) -> None:
    name = await registered(client, tmp_path, "changed")
    await client.update(name, UpdateRequest(temperature=0.1, top_k=3))
    changed = await client.update(name, UpdateRequest(temperature=None, pinned=True))
    assert (changed.temperature, changed.top_k, changed.pinned) == (None, 3, True)
    await client.remove(name)


async def test_a_model_in_memory_is_let_go_of_when_what_it_was_loaded_with_changes(
    client: Client, tmp_path: Path
) -> None:
    name = await registered(client, tmp_path, "rounded")
    kept = await client.update(name, UpdateRequest(quantization=None, temperature=0.5))
    changed = await client.update(name, UpdateRequest(quantization="none"))
    assert (kept.is_loaded, kept.quantization) == (True, None)
    assert (changed.is_loaded, changed.quantization) == (False, "none")
    await client.remove(name)


async def test_only_what_the_quicker_engine_takes_is_called_preparable(client: Client, tmp_path: Path) -> None:
    name = await registered(client, tmp_path, "plain")
    found = {model.id: model.preparable for model in await client.models()}
    assert found["starter-sentiment"]
    assert not found[name]
    await client.remove(name)


async def test_load_and_unload(client: Client, tmp_path: Path) -> None:
    name = await registered(client, tmp_path, "loaded")
    assert (await client.unload(name)).status == "unloaded"
    assert not (await client.model(name)).is_loaded
    assert (await client.load(name, LoadRequest(keep_alive=60))).status == "loaded"
    assert (await client.model(name)).is_loaded
    await client.remove(name)


async def test_load_takes_an_empty_body(service: RunningService) -> None:
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.post(service.url + "/models/echo/load") as answer,
    ):
        assert (answer.status, (await answer.json())["status"]) == (200, "loaded")


async def test_a_busy_model_is_not_unloaded_unless_forced(client: Client) -> None:
    chunks = client.stream("endless", GenerateRequest(prompt="again", max_new_tokens=100_000))
    await anext(chunks)
    with pytest.raises(errors.Conflict):
        await client.unload("endless")
    assert (await client.unload("endless", force=True)).status == "unloaded"
    with pytest.raises(errors.InglenookError):
        [chunk async for chunk in chunks]
    await client.load("endless")
    await has_requests(client, "endless", False)


async def test_a_removed_model_is_unknown_and_its_files_outside_the_store_stay(client: Client, tmp_path: Path) -> None:
    name = await registered(client, tmp_path, "removed")
    assert (await client.remove(name)).status == "removed"
    assert (tmp_path / name / "config.json").exists()
    with pytest.raises(errors.ModelNotFound):
        await client.model(name)


async def test_a_model_whose_name_is_an_action_is_reached_with_its_slash_encoded(
    client: Client, tmp_path: Path
) -> None:
    name = await registered(client, tmp_path, "org/remove")
    assert (await client.unload(name)).status == "unloaded"
    assert (await client.model(name)).id == name
    await client.remove(name)


async def test_a_taken_name_is_a_conflict(client: Client, tmp_path: Path) -> None:
    with pytest.raises(errors.Conflict):
        await registered(client, tmp_path, "echo")


async def test_a_folder_that_is_no_model_is_refused(client: Client, tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidRequest, match="config"):
        await client.register(RegisterRequest(name="empty", model_type="embedding", model_path=str(tmp_path)))


@pytest.mark.parametrize("name", ["..", "a/../b", "a/b/c", "/a", "a\\b", "", "a b", ".hidden"])
async def test_a_name_that_is_no_name_is_refused(name: str, client: Client, tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidRequest, match="name"):
        await client.register(
            RegisterRequest(name=name, model_type="embedding", model_path=str(echo_model(tmp_path / "m")))
        )


async def test_a_model_that_cannot_be_loaded_says_why_and_stays_registered(client: Client, tmp_path: Path) -> None:
    with pytest.raises(errors.InglenookError) as caught:
        await registered(client, tmp_path, "broken", fault="error")
    assert caught.value.status in {500, 503}
    assert not (await client.model("broken")).is_loaded
    await client.remove("broken")


@pytest.mark.parametrize("method", ["model", "load", "unload", "remove"])
async def test_an_unknown_model_is_a_404(method: str, client: Client) -> None:
    with pytest.raises(errors.ModelNotFound):
        await getattr(client, method)("nope")


async def test_changing_an_unknown_model_is_a_404(client: Client) -> None:
    with pytest.raises(errors.ModelNotFound):
        await client.update("nope", UpdateRequest(top_k=1))


async def test_verifying_reads_rounded_weights_and_damaged_ones_are_made_again(tmp_path: Path) -> None:
    with running_service(tmp_path / "data") as service:
        async with service.client() as client:
            request = RegisterRequest(
                name="own", model_type="text_generation", model_path=str(tiny("llama-chat")), quantization="int8"
            )
            await client.register(request)
            await client.generate("own", GenerateRequest(prompt="good", max_new_tokens=2))
            await asyncio.to_thread(appears, tmp_path / "data", "*.seal")
            assert (await client.verify("own")).message == "The one file of own is what was made here."
            (file,) = (tmp_path / "data").rglob("int8.safetensors")
            spoil(file)
            answer = await client.verify("own")
            assert (answer.verified, answer.damaged) == (0, ["int8.safetensors"])
            assert not file.exists()
            assert not (await client.model("own")).is_loaded


async def test_rounded_weights_are_not_kept_where_the_settings_do_not_want_it(tmp_path: Path) -> None:
    with running_service(tmp_path / "data", keep_rounded_weights="false") as service:
        async with service.client() as client:
            request = RegisterRequest(
                name="own", model_type="text_generation", model_path=str(tiny("llama-chat")), quantization="int8"
            )
            await client.register(request)
            answer = await client.generate("own", GenerateRequest(prompt="good", max_new_tokens=2))
            assert answer.execution.precision == "int8"
            await client.unload("own")
    assert not list((tmp_path / "data").rglob("*.safetensors"))


def spoil(file: Path) -> None:
    """One bit, with the time that the file had."""
    before, content = file.stat(), bytearray(file.read_bytes())
    content[-1000] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def appears(folder: Path, pattern: str) -> None:
    while not list(folder.rglob(pattern)):
        time.sleep(0.01)
