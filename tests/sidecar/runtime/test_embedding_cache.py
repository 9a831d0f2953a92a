"""The cache of vectors: what it finds, what it forgets, what outlives the service."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.config import Settings
from sidecar.db import Database
from sidecar.errors import ContextExceeded
from sidecar.runtime.embedding_cache import EmbeddingCache
from sidecar.types import EmbedRequest, RegisterRequest, UpdateRequest
from tests.helpers.models import overwrite_weights, tiny, with_long_header

from .conftest import AddEcho, OpenManager


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "inglenook.db")
    yield database
    await database.close()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache(database: Database, clock: Clock, **settings: object) -> EmbeddingCache:
    values = Settings(**settings)  # type: ignore[arg-type]
    return EmbeddingCache(database, lambda: values, clock)


async def test_what_was_kept_is_found_in_its_scope_only(database: Database) -> None:
    own = cache(database, Clock())
    await own.keep("a", {"one": b"1", "two": b"2"})
    assert await own.find("a", ["two", "three", "one", "two"]) == {"two": b"2", "one": b"1"}
    assert await own.find("b", ["one"]) == {}


async def test_entries_end_after_their_time(database: Database) -> None:
    clock = Clock()
    own = cache(database, clock, embedding_cache_s=10.0)
    await own.keep("a", {"one": b"1"})
    clock.now += 9.9
    assert await own.find("a", ["one"])
    clock.now += 0.1
    assert not await own.find("a", ["one"])


async def test_the_least_recently_used_leaves_first(database: Database) -> None:
    own = cache(database, Clock(), embedding_cache_entries=2)
    await own.keep("a", {"one": b"1", "two": b"2"})
    await own.find("a", ["one"])
    await own.keep("a", {"three": b"3"})
    assert await own.find("a", ["one", "two", "three"]) == {"one": b"1", "three": b"3"}


async def test_without_entries_nothing_is_kept(database: Database) -> None:
    own = cache(database, Clock(), embedding_cache_entries=0)
    await own.keep("a", {"one": b"1"})
    assert await own.find("a", ["one"]) == {}


async def test_what_is_on_disk_is_found_by_the_next_service(database: Database) -> None:
    clock = Clock()
    texts = {str(number): bytes([number % 256]) for number in range(1200)}
    await cache(database, clock, embedding_cache_disk=True).keep("a", texts)
    assert await cache(database, clock, embedding_cache_disk=True).find("a", list(texts)) == texts
    assert await cache(database, clock).find("a", ["1"]) == {}


async def test_the_disk_holds_no_more_than_the_memory(database: Database) -> None:
    own = cache(database, Clock(), embedding_cache_disk=True, embedding_cache_entries=3)
    for number in range(5):
        await own.keep("a", {str(number): b"v"})
    (count,) = await database.run(lambda c: c.execute("SELECT count(*) FROM embeddings").fetchone())
    assert count == 3


async def test_texts_that_were_embedded_before_are_not_computed_again(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "m", model_type="embedding")
    first = await manager.embed(model, EmbedRequest(texts=["one", "two", "one"]), caller="owner")
    second = await manager.embed(model, EmbedRequest(texts=["two", "three"]), caller="owner")
    await manager.unload(model)
    third = await manager.embed(model, EmbedRequest(texts=["three", "one"]), caller="owner")
    other = await manager.embed(model, EmbedRequest(texts=["one"], dimensions=4), caller="owner")
    assert (first.cached, second.cached, third.cached, other.cached) == (0, 1, 2, 0)
    assert first.embeddings[0] == first.embeddings[2] == third.embeddings[1]
    assert second.embeddings == [first.embeddings[1], third.embeddings[0]]
    assert (third.dimensions, other.dimensions) == (8, 4)
    figures = manager.metrics.exposition().decode()
    assert 'inglenook_embedding_cache_total{model="m",outcome="hit"} 3.0' in figures
    assert 'inglenook_embedding_cache_total{model="m",outcome="miss"} 5.0' in figures


async def test_vectors_of_other_weights_are_not_taken(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "m", model_type="embedding")
    asked = EmbedRequest(texts=["one", "two"])
    cached = []
    for quantization in (None, "int8", "none", None):
        await manager.update(model, UpdateRequest(quantization=quantization))
        cached.append((await manager.embed(model, asked, caller="owner")).cached)
    assert cached == [0, 0, 0, 2]


async def test_texts_that_were_cut_are_remembered_with_their_warning(open_manager: OpenManager) -> None:
    manager = await open_manager()
    await manager.register(RegisterRequest(name="m", model_type="embedding", model_path=str(tiny("embed-mean"))))
    asked = EmbedRequest(texts=["good rain", "tea " * 500, "bad coffee " * 500], truncate=True)
    first = await manager.embed("m", asked, caller="owner")
    again = await manager.embed("m", asked, caller="owner")
    assert (first.cached, again.cached) == (0, 3)
    assert again.embeddings == first.embeddings
    (warning,) = first.warnings
    assert again.warnings == [warning]
    assert warning.startswith("2 texts were longer than ")


@pytest.mark.parametrize("again", [False, True])
async def test_a_vector_of_a_text_that_was_cut_answers_only_who_allows_cutting(
    open_manager: OpenManager, again: bool
) -> None:
    """In memory, and on disk after a restart."""
    manager = await open_manager(embedding_cache_disk=True)
    await manager.register(RegisterRequest(name="m", model_type="embedding", model_path=str(tiny("embed-mean"))))
    texts = ["good rain", "tea " * 500]
    await manager.embed("m", EmbedRequest(texts=texts, truncate=True), caller="owner")
    if again:
        await manager.unload("m")
        manager = await open_manager(embedding_cache_disk=True)
    with pytest.raises(ContextExceeded):
        await manager.embed("m", EmbedRequest(texts=texts), caller="owner")
    assert (await manager.embed("m", EmbedRequest(texts=texts[:1]), caller="owner")).cached == 1
    assert (await manager.embed("m", EmbedRequest(texts=texts, truncate=True), caller="owner")).cached == 2


async def test_vectors_from_before_a_change_of_the_pooling_are_not_taken(
    open_manager: OpenManager, tmp_path: Path
) -> None:
    folder = await asyncio.to_thread(shutil.copytree, tiny("embed-mean"), tmp_path / "m")
    register = RegisterRequest(name="m", model_type="embedding", model_path=str(folder))
    manager = await open_manager()
    await manager.register(register)
    asked = EmbedRequest(texts=["good rain"])
    mean = await manager.embed("m", asked, caller="owner")
    await manager.unload("m")
    pooling = folder / "1_Pooling" / "config.json"
    await asyncio.to_thread(pooling.write_text, '{"pooling_mode": "cls"}')
    await manager.register(register)
    cls = await manager.embed("m", asked, caller="owner")
    assert cls.cached == 0
    assert cls.embeddings != mean.embeddings


@pytest.mark.parametrize("restarts", [False, True])
async def test_vectors_of_weights_that_were_overwritten_are_not_taken(
    open_manager: OpenManager, tmp_path: Path, restarts: bool
) -> None:
    """In place, of the same size, beyond the beginning of the file: while the service runs, and while it does not."""
    folder = await asyncio.to_thread(shutil.copytree, tiny("embed-mean"), tmp_path / "m")
    await asyncio.to_thread(with_long_header, folder)
    manager = await open_manager(embedding_cache_disk=True)
    await manager.register(RegisterRequest(name="m", model_type="embedding", model_path=str(folder)))
    asked = EmbedRequest(texts=["good rain"])
    before, version = await manager.embed("m", asked, caller="owner"), manager.model("m").version
    await manager.unload("m")
    assert (await manager.embed("m", asked, caller="owner")).cached == 1
    await asyncio.to_thread(overwrite_weights, folder)
    if restarts:
        manager = await open_manager(embedding_cache_disk=True)
    after = await manager.embed("m", asked, caller="owner")
    assert after.cached == 0
    assert after.embeddings != before.embeddings
    assert manager.model("m").version != version
