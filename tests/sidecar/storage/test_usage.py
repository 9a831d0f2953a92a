from __future__ import annotations

import os
from pathlib import Path

import pytest

from sidecar.errors import Conflict, InvalidRequest
from sidecar.runtime.manager import ModelManager
from sidecar.types import CleanRequest, StoredModel
from tests.sidecar.storage.conftest import add_echo, answer

CONFIG = len('{"model_type": "echo"}')


async def stored(manager: ModelManager, model: str) -> StoredModel:
    return next(one for one in (await manager.storage.info()).models if one.id == model)


async def test_every_model_tells_what_it_takes_and_what_deleting_it_frees(
    manager: ModelManager, models_dir: Path, tmp_path: Path
) -> None:
    await add_echo(manager, models_dir / "org" / "own", "own")
    await add_echo(manager, tmp_path / "placed", "placed")
    await add_echo(manager, models_dir / "org" / "linked", "linked")
    os.link(models_dir / "org" / "linked" / "model.safetensors", tmp_path / "second")
    own, placed, linked = [await stored(manager, name) for name in ("own", "placed", "linked")]
    whole = CONFIG + 1000
    assert (own.bytes, own.shared_bytes, own.freed_bytes, own.origin) == (whole, 0, whole, "in_place")
    assert (placed.bytes, placed.freed_bytes, placed.origin) == (whole, 0, "in_place")
    assert (linked.bytes, linked.shared_bytes, linked.freed_bytes) == (whole, 1000, CONFIG)
    assert (await stored(manager, "starter-chat")).origin == "builtin"


async def test_what_two_models_read_is_shared(manager: ModelManager, models_dir: Path) -> None:
    await add_echo(manager, models_dir / "org" / "c", "one")
    await add_echo(manager, models_dir / "org" / "c", "two")
    one = await stored(manager, "one")
    assert (one.shared_bytes, one.freed_bytes) == (CONFIG + 1000, 0)


async def test_what_was_not_used_for_longest_comes_first(manager: ModelManager, models_dir: Path) -> None:
    for name in ("first", "second", "third"):
        await add_echo(manager, models_dir / "org" / name, name)
    await answer(manager, "first")
    order = [one.id for one in (await manager.storage.info()).models if not one.id.startswith("starter")]
    assert order == ["second", "third", "first"]
    assert (await stored(manager, "second")).last_used_at is None


async def test_cleaning_says_how_much_it_is_and_then_deletes_what_was_named(
    manager: ModelManager, models_dir: Path, tmp_path: Path
) -> None:
    model = await add_echo(manager, models_dir / "org" / "c")
    version = manager.model(model).version
    litter = {
        models_dir / ".partial" / ("a" * 64 + ".part"): 10,
        models_dir / ".partial" / "0123456789ab" / "config.json": 20,
        models_dir / ".importing" / "arriving" / "0123456789ab.part": 320,
        models_dir / ".quarantine" / "20260101-000000-x" / "model.safetensors": 40,
        tmp_path / "data" / "derived" / "f00" / "transformers" / "int8.safetensors": 80,
    }
    kept = tmp_path / "data" / "derived" / version / "transformers" / "int8.safetensors"
    for file, count in {**litter, kept: 160}.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * count)
    request = CleanRequest(partial=True, quarantine=True, derived=True, trash=True, models=[model], dry_run=True)
    told = await manager.storage.clean(request)
    assert (told.partial_bytes, told.quarantine_bytes, told.derived_bytes, told.trash_bytes) == (350, 40, 80, 0)
    assert all(file.exists() for file in litter)
    request.dry_run = False
    done = await manager.storage.clean(request)
    assert (done.freed_bytes, done.trashed_bytes) == (470, CONFIG + 1000)
    assert not any(file.exists() for file in litter)
    assert kept.exists()
    await manager.storage.trash.restore(done.removed[0].trash_id)
    assert await answer(manager, model)


async def test_cleaning_needs_a_name_and_spares_what_was_used_meanwhile(
    manager: ModelManager, models_dir: Path
) -> None:
    model = await add_echo(manager, models_dir / "org" / "c")
    with pytest.raises(InvalidRequest, match="name what to clean"):
        await manager.storage.clean(CleanRequest())
    with pytest.raises(Conflict, match="was used within 30 days"):
        await manager.storage.clean(CleanRequest(models=[model], unused_days=30))
    assert manager.model(model)
