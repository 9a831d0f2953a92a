"""The catalogue and the small models over HTTP and on the command line, from a real service on a machine of made-up speed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.paths import Paths
from sidecar.types import CatalogueQuery, EmbedRequest, RegisterRequest
from tests.helpers import profile
from tests.helpers.command_line import command_on
from tests.helpers.models import echo_model
from tests.helpers.service import RunningService, running_service

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a small model of the list, and one that is not small."""
    folder = tmp_path_factory.mktemp("catalogue")
    profile.keep(Paths.in_folder(folder).calibration, profile.made_up())
    with running_service(folder) as service:
        for name in (MINILM, "large"):
            asyncio.run(_register(service, name, folder))
        yield service


async def _register(service: RunningService, name: str, folder: Path) -> None:
    async with service.client() as client:
        path = str(echo_model(folder / "echo" / name))
        await client.register(RegisterRequest(name=name, model_type="embedding", model_path=path))


@pytest.fixture
def client(measured: RunningService) -> Client:
    return measured.client()


async def test_the_built_in_list_says_how_every_model_suits_this_machine(client: Client) -> None:
    async with client:
        page = await client.catalogue(CatalogueQuery(limit=200))
    assert page.total == len(page.entries) >= 40
    assert all(entry.curated and entry.why and entry.suitability.reason for entry in page.entries)
    small = next(entry for entry in page.entries if entry.key == "smollm2-135m")
    assert small.suitability.verdict == "fits"
    assert small.suitability.tokens_per_second is not None
    assert (small.variant, small.revision, small.model_id) == ("Q8_0", "main", None)
    assert next(entry for entry in page.entries if entry.id == MINILM).model_id == MINILM


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        (CatalogueQuery(query="german translation"), lambda entry: "German" in entry.why),
        (CatalogueQuery(task="reranking"), lambda entry: entry.task == "reranking"),
        (CatalogueQuery(library="gguf"), lambda entry: entry.formats == ["gguf"]),
        (CatalogueQuery(library="transformers"), lambda entry: entry.engine == "transformers"),
        (CatalogueQuery(licence="mit"), lambda entry: entry.licence == "mit"),
        (CatalogueQuery(largest_mb=100), lambda entry: entry.bytes <= 100e6),
        (CatalogueQuery(fits=True), lambda entry: entry.suitability.verdict in ("fits", "tight")),
    ],
)
async def test_a_search_keeps_what_matches_all_it_says(client: Client, query: CatalogueQuery, holds) -> None:  # type: ignore[no-untyped-def]
    async with client:
        found = (await client.catalogue(query)).entries
    assert found
    assert all(map(holds, found))


async def test_more_than_the_limit_is_counted(client: Client) -> None:
    async with client:
        page = await client.catalogue(CatalogueQuery(limit=3))
    assert (len(page.entries), page.total > 3) == (3, True)


async def test_one_model_tells_its_variants_and_a_prediction(client: Client) -> None:
    async with client:
        found = await client.catalogue_detail("bartowski/Qwen2.5-0.5B-Instruct-GGUF")
    assert {variant.name for variant in found.variants} == {"Q4_K_M", "Q8_0"}
    assert all(variant.suitability.verdict == "fits" for variant in found.variants)
    assert found.prediction is not None
    assert found.prediction.tokens_per_second is not None


async def test_what_is_here_is_marked(client: Client) -> None:
    async with client:
        assert (await client.catalogue_detail(MINILM)).entry.installed
        assert not (await client.catalogue_detail("google-t5/t5-small")).entry.installed


async def test_a_model_that_is_not_in_the_list_needs_the_hub(client: Client) -> None:
    async with client:
        with pytest.raises(errors.Offline, match="no/such"):
            await client.catalogue_detail("no/such")


async def test_one_model_is_recommended_for_each_task_with_the_reason(client: Client) -> None:
    async with client:
        found = await client.recommended()
    assert {one.task for one in found} == {
        "text_generation", "classification", "translation", "embedding", "reranking",
    }  # fmt: skip
    assert all("memory" in one.reason for one in found)


async def test_small_models_are_known_by_short_names(client: Client) -> None:
    async with client:
        found = await client.lightweight_models()
    assert found.models["bert-tiny"].id == "prajjwal1/bert-tiny"
    assert "minilm" in found.downloaded
    assert found.recommended in found.models


async def test_the_second_listener_serves_small_models_and_nothing_else(measured: RunningService) -> None:
    async with measured.client() as client:
        started = await client.start_lightweight(0)
        again = await client.start_lightweight(0)
        status = await client.lightweight_status()
        async with Client(started.url, measured.token) as small:
            names = {model.id for model in await small.models()}
            answer = await small.embed(MINILM, EmbedRequest(["a text"]))
            with pytest.raises(errors.ModelNotFound, match="large"):
                await small.model("large")
            with pytest.raises(errors.NotFound):
                await small.settings()
        await client.stop_lightweight()
        after = await client.lightweight_status()
    assert (again.status, again.port) == ("running", started.port)
    assert (status.running, status.port) == (True, started.port)
    assert names == {"starter-chat", "starter-sentiment", MINILM}
    assert len(answer.embeddings) == 1
    assert (after.running, after.port) == (False, None)


async def test_the_second_listener_wants_the_key_too(measured: RunningService) -> None:
    async with measured.client() as client, aiohttp.ClientSession() as stranger:
        started = await client.start_lightweight(0)
        async with stranger.get(f"{started.url}/models") as answer:
            assert answer.status == 401
        await client.stop_lightweight()


def test_the_command_line_recommends_searches_and_lists(measured: RunningService) -> None:
    command = command_on(measured)
    advice = command("recommend")
    assert "embedding: " in advice.stdout
    found = json.loads(command("search", "minilm", "--task", "embedding", "--json").stdout)
    assert found["entries"][0]["id"] == MINILM
    assert MINILM in command("search", "minilm").stdout
    listed = command("lightweight", "--list").stdout
    assert "bert-tiny" in listed
    assert "To begin with:" in listed


def test_the_command_line_opens_a_port_for_small_models(measured: RunningService) -> None:
    command = command_on(measured)
    started = json.loads(command("lightweight", "--start-server", "--port", "0", "--json").stdout)
    assert started["url"].endswith(f":{started['port']}")
    asyncio.run(_stop_lightweight(measured))


async def _stop_lightweight(service: RunningService) -> None:
    async with service.client() as client:
        await client.stop_lightweight()


async def test_a_service_for_small_models_alone_can_be_run(tmp_path: Path) -> None:
    with running_service(tmp_path, command="lightweight-run") as service:
        async with service.client() as client:
            assert {model.id for model in await client.models()} == {"starter-chat", "starter-sentiment"}
            with pytest.raises(errors.NotFound):
                await client.settings()
            await client.shutdown()
        assert service.wait() == 0
