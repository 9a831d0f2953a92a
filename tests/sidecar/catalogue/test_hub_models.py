"""Models of the hub in the catalogue of a real service: found, judged, told in full, remembered, and fetched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.paths import Paths
from sidecar.types import CatalogueQuery
from tests.helpers import profile
from tests.helpers.command_line import command_on
from tests.helpers.hub import Fault, HubServer, hub_server, model_files
from tests.helpers.service import RunningService, running_service

CARD = b"---\nlicense: mit\n---\n# A small model\n\nIt reads."
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 16, "hidden_size": 2048,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192,
}  # fmt: skip
CHAT = {"pipeline_tag": "text-generation", "tags": ["license:mit", "safetensors"]}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with hub_server() as server:
        server.add(
            "org/owl-1B",
            {"config.json": json.dumps(CONFIG).encode(), "README.md": CARD, "model.safetensors": b"0" * 4096},
            info=CHAT | {"safetensors": {"parameters": {"BF16": 1_235_814_400}, "total": 1_235_814_400}},
        )
        server.add(
            "org/owl-7B-GGUF",
            {"owl-7B-Q4_K_M.gguf": b"0" * 4096, "owl-7B-Q8_0.gguf": b"0" * 8192},
            info={"pipeline_tag": "text-generation", "tags": ["gguf"]},
        )
        server.add("org/owl-picture", {"model.safetensors": b"0"}, info={"pipeline_tag": "text-to-image"})
        server.add("org/owl-gated", {"model.safetensors": b"0"}, info=CHAT, gated="auto")
        yield server


@pytest.fixture(scope="module")
def service(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("hub-catalogue")
    profile.keep(Paths.in_folder(folder).calibration, profile.made_up())
    with running_service(folder, hub_endpoint=hub.url, network_timeout_s=1) as running:
        yield running


@pytest.fixture
def client(service: RunningService) -> Client:
    return service.client()


async def test_a_search_finds_the_hubs_models_that_an_engine_here_runs(client: Client) -> None:
    async with client:
        page = await client.catalogue(CatalogueQuery(query="owl"))
    assert {entry.id for entry in page.entries} == {"org/owl-1B", "org/owl-7B-GGUF", "org/owl-gated"}
    assert (page.offline, page.notice) == (False, None)
    guessed = next(entry for entry in page.entries if entry.id == "org/owl-7B-GGUF")
    assert guessed.formats == ["gguf"]
    assert "by the size in its name" in guessed.suitability.reason


async def test_the_built_in_list_comes_first_and_once(client: Client, hub: HubServer) -> None:
    hub.add("sentence-transformers/all-MiniLM-L6-v2", {}, info={"pipeline_tag": "sentence-similarity"})
    async with client:
        page = await client.catalogue(CatalogueQuery(query="minilm", task="embedding"))
    assert [entry.id for entry in page.entries].count("sentence-transformers/all-MiniLM-L6-v2") == 1
    assert page.entries[0].curated


async def test_one_of_the_hubs_models_is_told_in_full(client: Client, hub: HubServer) -> None:
    async with client:
        found = await client.catalogue_detail("org/owl-1B")
    assert found.commit == hub.repos["org/owl-1B"].commit
    assert found.card == "# A small model\n\nIt reads."
    assert [variant.name for variant in found.variants] == ["safetensors"]
    assert found.entry.parameters == 1_235_814_400
    assert found.prediction is not None
    assert found.prediction.tokens_per_second is not None
    assert not found.offline


async def test_variants_are_judged_each_by_itself(client: Client) -> None:
    async with client:
        found = await client.catalogue_detail("org/owl-7B-GGUF")
    assert {variant.name for variant in found.variants} == {"Q4_K_M", "Q8_0"}
    assert all("comes on top" in variant.suitability.reason for variant in found.variants)


async def test_a_gated_model_says_what_is_missing_and_where_to_get_it(client: Client) -> None:
    async with client:
        found = await client.catalogue_detail("org/owl-gated")
    assert (found.entry.gated, found.access) == (True, "needs_token")
    assert (found.access_url or "").endswith("/org/owl-gated")


async def test_what_was_told_lately_is_asked_for_again_when_it_may_be_different(client: Client, hub: HubServer) -> None:
    hub.add("org/owl-late", {"model.safetensors": b"0"}, info=CHAT, gated="auto")
    async with client:
        before = await client.catalogue_detail("org/owl-late")
        hub.repos["org/owl-late"].gated = False
        kept = await client.catalogue_detail("org/owl-late")
        fresh = await client.catalogue_detail("org/owl-late", fresh=True)
    assert [found.access for found in (before, kept, fresh)] == ["needs_token", "needs_token", "open"]


async def test_what_no_engine_here_runs_is_told_so(client: Client) -> None:
    async with client:
        with pytest.raises(errors.Unsupported, match="owl-picture"):
            await client.catalogue_detail("org/owl-picture")


async def test_a_repository_that_is_not_there_is_not_found(client: Client) -> None:
    async with client:
        with pytest.raises(errors.RepositoryNotFound, match="no/such"):
            await client.catalogue_detail("no/such")


async def test_without_a_network_what_was_told_before_is_shown_and_said_to_be(client: Client) -> None:
    async with client:
        before = await client.catalogue(CatalogueQuery(query="owl", limit=9))
        await client.catalogue_detail("org/owl-1B")
        await client.change_settings({"offline": True})
        try:
            again = await client.catalogue_detail("org/owl-1B")
            listed = await client.catalogue_detail("google-t5/t5-small")
            fresh = await client.catalogue(CatalogueQuery(query="owl", limit=9))
            unknown = await client.catalogue(CatalogueQuery(query="heron"))
            with pytest.raises(errors.Offline):
                await client.catalogue_detail("org/owl-unseen")
        finally:
            await client.change_settings({"offline": None})
    assert again.card == "# A small model\n\nIt reads."
    assert (listed.offline, listed.entry.curated) == (True, True)
    assert fresh.entries == before.entries
    assert unknown.offline
    assert "offline is on" in (unknown.notice or "")
    assert "only the built-in list" in (unknown.notice or "")


async def test_a_hub_that_fails_leaves_the_built_in_list(client: Client, hub: HubServer) -> None:
    hub.fail("api", Fault("status", status=400))
    async with client:
        page = await client.catalogue(CatalogueQuery(query="german", task="translation"))
    assert page.offline
    assert {entry.curated for entry in page.entries} == {True}


def test_a_small_model_is_fetched_by_its_short_name(service: RunningService, hub: HubServer) -> None:
    hub.add("sentence-transformers/all-MiniLM-L6-v2", model_files(), info={"pipeline_tag": "sentence-similarity"})
    command = command_on(service)
    fetched = json.loads(command("lightweight", "--download", "minilm", "--json").stdout)
    assert (fetched["status"], fetched["model"]) == ("downloaded", "sentence-transformers/all-MiniLM-L6-v2")
    again = json.loads(command("lightweight", "--download", "minilm", "--json").stdout)
    assert (again["status"], again["job_id"]) == ("downloaded", None)
    assert asyncio.run(_downloaded(service)) == ["minilm"]


async def _downloaded(service: RunningService) -> list[str]:
    async with service.client() as client:
        return (await client.lightweight_models()).downloaded


def test_a_small_model_that_is_not_in_the_list_is_told_so(service: RunningService) -> None:
    ended = command_on(service)("lightweight", "--download", "no-such")
    assert (ended.returncode, "no small model 'no-such'" in ended.stderr) == (1, True)
