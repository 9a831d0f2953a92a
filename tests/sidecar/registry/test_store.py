from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.db import Database
from sidecar.errors import Conflict, InvalidRequest, LoadFailed, ModelNotFound
from sidecar.migrations import _origins
from sidecar.registry.fingerprint import FINGERPRINT_BYTES
from sidecar.registry.store import ModelOptions, ModelStore
from sidecar.runtime.protocol import ModelFacts

from .conftest import LLAMA, safetensors, write_model

FACTS = ModelFacts(engine="transformers", device="cpu", precision="float32", parameters=35, memory_bytes=1000)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "test.db")
    yield opened
    await opened.close()


async def open_store(database: Database, tmp_path: Path) -> ModelStore:
    return await ModelStore.open(database, tmp_path / "builtin")


async def test_a_registered_model_is_there_after_a_restart(database: Database, tmp_path: Path, llama: Path) -> None:
    store = await open_store(database, tmp_path)
    await store.add("me/llama", "text_generation", llama, ModelOptions(temperature=0.2, pinned=True))
    await store.learned("me/llama", FACTS)
    model = (await open_store(database, tmp_path)).get("me/llama")
    assert model.path == llama
    assert model.options == ModelOptions(temperature=0.2, pinned=True)
    assert model.facts == FACTS


async def test_a_name_resolves_to_its_version(database: Database, tmp_path: Path, llama: Path) -> None:
    store = await open_store(database, tmp_path)
    await store.add("llama", "text_generation", llama, ModelOptions())
    version = store.resolve("llama")
    assert (version.model, version.path, version.engine, version.task) == (
        "llama",
        llama,
        "transformers",
        "text_generation",
    )
    assert len(version.version) == 12


async def test_an_unknown_name_is_not_found(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        (await open_store(database, tmp_path)).resolve("nobody")


async def test_a_type_that_the_model_cannot_be_is_refused(database: Database, tmp_path: Path, llama: Path) -> None:
    store = await open_store(database, tmp_path)
    with pytest.raises(InvalidRequest, match="does text_generation, not classification"):
        await store.add("llama", "classification", llama, ModelOptions())
    assert store.all() == []


async def test_the_same_folder_again_changes_the_options(database: Database, tmp_path: Path, llama: Path) -> None:
    store = await open_store(database, tmp_path)
    await store.add("llama", "text_generation", llama, ModelOptions())
    await store.add("llama", "text_generation", llama, ModelOptions(top_k=3))
    assert store.get("llama").options.top_k == 3


async def test_another_folder_under_the_same_name_is_a_conflict(
    database: Database, tmp_path: Path, llama: Path
) -> None:
    store = await open_store(database, tmp_path)
    await store.add("llama", "text_generation", llama, ModelOptions())
    with pytest.raises(Conflict):
        await store.add("llama", "text_generation", write_model(tmp_path / "other", LLAMA), ModelOptions())


async def test_a_model_whose_folder_vanished_is_still_listed_and_says_why_it_cannot_load(
    database: Database, tmp_path: Path, llama: Path
) -> None:
    store = await open_store(database, tmp_path)
    await store.add("llama", "text_generation", llama, ModelOptions())
    shutil.rmtree(llama)
    again = await open_store(database, tmp_path)
    assert again.get("llama").problem
    with pytest.raises(LoadFailed, match="its folder is gone"):
        again.resolve("llama")


async def test_what_came_with_the_application_is_known_and_follows_it(database: Database, tmp_path: Path) -> None:
    write_model(tmp_path / "builtin" / "starter", LLAMA)
    store = await open_store(database, tmp_path)
    assert store.get("starter").builtin
    await store.set_options("starter", ModelOptions(temperature=0.1))
    (tmp_path / "builtin").rename(tmp_path / "moved")
    moved = await ModelStore.open(database, tmp_path / "moved")
    assert moved.get("starter").path == tmp_path / "moved" / "starter"
    assert moved.get("starter").options.temperature == 0.1


async def test_what_no_longer_comes_with_the_application_is_forgotten(database: Database, tmp_path: Path) -> None:
    write_model(tmp_path / "builtin" / "starter", LLAMA)
    await open_store(database, tmp_path)
    shutil.rmtree(tmp_path / "builtin" / "starter")
    assert (await open_store(database, tmp_path)).all() == []


async def test_a_damaged_built_in_model_keeps_its_options(database: Database, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "builtin" / "starter", LLAMA)
    store = await open_store(database, tmp_path)
    await store.set_options("starter", ModelOptions(temperature=0.1))
    (folder / "model.safetensors").unlink()
    damaged = (await open_store(database, tmp_path)).get("starter")
    assert damaged.problem
    assert damaged.options.temperature == 0.1


async def test_a_damaged_folder_is_not_made_known(database: Database, tmp_path: Path) -> None:
    (write_model(tmp_path / "builtin" / "starter", LLAMA) / "config.json").unlink()
    assert (await open_store(database, tmp_path)).all() == []


async def test_a_built_in_model_cannot_be_forgotten(database: Database, tmp_path: Path) -> None:
    write_model(tmp_path / "builtin" / "starter", LLAMA)
    store = await open_store(database, tmp_path)
    with pytest.raises(Conflict):
        await store.forget("starter")


async def test_a_forgotten_model_is_put_back_as_it_was(database: Database, tmp_path: Path, llama: Path) -> None:
    store = await open_store(database, tmp_path)
    known = await store.add("llama", "text_generation", llama, ModelOptions(top_k=3))
    assert await store.forget("llama") == known
    assert (await open_store(database, tmp_path)).all() == []
    assert (llama / "model.safetensors").is_file()
    await store.put_back(known)
    assert (await open_store(database, tmp_path)).get("llama") == known


async def test_a_folder_that_moves_takes_the_paths_of_its_models_along(database: Database, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models" / "mine", LLAMA)
    other = write_model(tmp_path / "models-too", LLAMA)
    store = await open_store(database, tmp_path)
    await store.add("mine", "text_generation", folder, ModelOptions())
    await store.add("other", "text_generation", other, ModelOptions())
    (tmp_path / "models").rename(tmp_path / "moved")
    await store.relocate(tmp_path / "models", tmp_path / "moved")
    for seen in (store, await open_store(database, tmp_path)):
        assert seen.resolve("mine").path == tmp_path / "moved" / "mine"
        assert seen.resolve("other").path == other


async def test_the_time_of_the_last_use_survives(database: Database, tmp_path: Path, llama: Path) -> None:
    store = await open_store(database, tmp_path)
    await store.add("llama", "text_generation", llama, ModelOptions())
    store.used("llama", 1234.5)
    await store.write_usage()
    assert (await open_store(database, tmp_path)).get("llama").last_used_at == 1234.5


async def test_how_a_model_came_here_survives(database: Database, tmp_path: Path, llama: Path) -> None:
    store = await open_store(database, tmp_path)
    await store.add("llama", "text_generation", llama, ModelOptions(), "imported")
    assert (await open_store(database, tmp_path)).get("llama").origin == "imported"


async def test_of_models_from_before_it_is_told_by_where_they_lie(database: Database) -> None:
    paths = {
        "starter": "builtin:starter",
        "fetched": f"/data/models/org--name/{'0a' * 6}-Q4_K_M/m.gguf",
        "cached": f"/home/me/hub/models--org--name/snapshots/{'0a' * 20}",
        "mine": "/home/me/model",
    }

    def before_and_after(connection: sqlite3.Connection) -> dict[str, str]:
        connection.execute("DROP TABLE models")
        connection.execute("CREATE TABLE models (id TEXT, path TEXT)")
        connection.executemany("INSERT INTO models VALUES (?, ?)", paths.items())
        _origins(connection)
        return dict(connection.execute("SELECT id, origin FROM models").fetchall())

    found = await database.run(before_and_after)
    assert found == {"starter": "builtin", "fetched": "downloaded", "cached": "hub_cache", "mine": "in_place"}


LARGE = FINGERPRINT_BYTES + 4096


def overwrite(folder: Path, *, last: int) -> None:
    """Weights of the same size, of which only the last byte differs."""
    content = bytearray(safetensors({"w": ("F32", [LARGE // 4], LARGE)}))
    content[-1] = last
    (folder / "model.safetensors").write_bytes(content)


async def test_weights_that_are_overwritten_beyond_their_beginning_are_another_version(
    database: Database, tmp_path: Path, llama: Path
) -> None:
    """While the service runs, and while it does not; the one before is told from both."""
    overwrite(llama, last=1)
    store = await open_store(database, tmp_path)
    await store.add("llama", "text_generation", llama, ModelOptions())
    await store.add("twin", "text_generation", llama, ModelOptions())
    versions = [store.resolve("llama").version]
    overwrite(llama, last=2)
    versions.append((await store.resolve_anew("llama")).version)
    overwrite(llama, last=3)
    versions.append((await (await open_store(database, tmp_path)).resolve_anew("llama")).version)
    assert len(set(versions)) == 3
    assert store.resolve("twin").version == versions[1]
    again = await open_store(database, tmp_path)
    assert again.resolve("llama").version == (await again.resolve_anew("llama")).version == versions[2]


async def test_a_small_file_that_is_overwritten_makes_another_version_of_a_running_services_model(
    database: Database, tmp_path: Path, llama: Path
) -> None:
    store = await open_store(database, tmp_path)
    before = await store.add("llama", "text_generation", llama, ModelOptions())
    (llama / "config.json").write_text(json.dumps({**LLAMA, "max_position_embeddings": 512}))
    after = await store.resolve_anew("llama")
    assert after.version != before.version
    assert after.inspection.context_length == 512


async def test_where_only_the_times_changed_the_version_stays_once_the_hash_is_known(
    database: Database, tmp_path: Path, llama: Path
) -> None:
    overwrite(llama, last=1)
    store = await open_store(database, tmp_path)
    before = await store.add("llama", "text_generation", llama, ModelOptions())
    await store.take_hash("llama")
    os.utime(llama / "model.safetensors", (1, 1))
    assert await store.changed(store.resolve("llama"))
    assert (await store.resolve_anew("llama")).version == before.version
    assert not await store.changed(store.resolve("llama"))


async def test_what_lies_again_where_a_model_was_is_told_from_it(
    database: Database, tmp_path: Path, llama: Path
) -> None:
    overwrite(llama, last=1)
    store = await open_store(database, tmp_path)
    before = await store.add("llama", "text_generation", llama, ModelOptions())
    await store.forget("llama")
    overwrite(llama, last=2)
    assert (await store.add("other", "text_generation", llama, ModelOptions())).version != before.version


async def test_a_version_moves_with_the_folder_of_its_files(database: Database, tmp_path: Path, llama: Path) -> None:
    overwrite(llama, last=1)
    store = await open_store(database, tmp_path)
    await store.add("llama", "text_generation", llama, ModelOptions())
    overwrite(llama, last=2)
    before = (await store.resolve_anew("llama")).version
    await asyncio.to_thread(llama.rename, tmp_path / "moved")
    await store.relocate(llama, tmp_path / "moved")
    for one in (store, await open_store(database, tmp_path)):
        assert (await one.resolve_anew("llama")).version == before
