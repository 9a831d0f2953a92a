from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sidecar.errors import Conflict, ModelNotFound, TrashNotFound
from sidecar.registry.manifest import Manifest, Manifests, described
from sidecar.runtime.manager import ModelManager
from sidecar.types import GenerateRequest, RemoteFile, UpdateRequest
from tests.helpers.models import echo_model
from tests.sidecar.storage.conftest import OpenManager, add_echo, add_gguf, answer, known


async def test_a_removed_model_comes_back_with_its_options_and_answers_as_before(
    manager: ModelManager, models_dir: Path
) -> None:
    model = await add_gguf(manager, models_dir / "org--chat" / "c1" / "m.gguf", "org/chat")
    await manager.update(model, UpdateRequest(top_k=7, pinned=True))
    before, version = await answer(manager, model), manager.model(model).version
    removed = await manager.remove(model)
    assert not (models_dir / "org--chat").exists()
    assert removed.bytes > 10_000
    assert "in the trash for 7 days" in removed.message
    with pytest.raises(ModelNotFound):
        manager.model(model)
    assert [entry.model for entry in await manager.storage.trash.all()] == [model]
    await manager.storage.trash.restore(removed.trash_id)
    found = manager.model(model)
    assert (found.top_k, found.pinned, found.version) == (7, True, version)
    assert await answer(manager, model) == before
    assert await manager.storage.trash.all() == []
    assert not (models_dir / ".trash").exists()


async def test_what_was_made_of_a_model_goes_with_the_last_of_it(
    manager: ModelManager, models_dir: Path, tmp_path: Path
) -> None:
    model = await add_echo(manager, models_dir / "echo" / "c1")
    made = tmp_path / "data" / "derived" / manager.model(model).version / "transformers" / "int8.safetensors"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"d" * 500)
    removed = await manager.remove(model)
    assert made.is_file()
    await manager.storage.trash.restore(removed.trash_id)
    removed = await manager.remove(model)
    assert await manager.storage.trash.delete(removed.trash_id) == removed.bytes + 500
    assert not made.parents[1].exists()
    with pytest.raises(TrashNotFound):
        await manager.storage.trash.restore(removed.trash_id)


async def test_files_outside_the_models_folder_are_only_forgotten(
    manager: ModelManager, models_dir: Path, tmp_path: Path
) -> None:
    model = await add_echo(manager, tmp_path / "mine")
    removed = await manager.remove(model)
    assert removed.bytes == 0
    assert "because they are not in Inglenook's models folder" in removed.message
    assert (tmp_path / "mine" / "model.safetensors").is_file()
    await manager.storage.trash.restore(removed.trash_id)
    assert manager.model(model).model_path == str(tmp_path / "mine")


async def test_links_never_lead_the_removal_out_of_the_models_folder(
    manager: ModelManager, models_dir: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    await add_echo(manager, outside / "folder", "through-a-folder")
    await manager.remove("through-a-folder")
    (models_dir / "link").symlink_to(outside / "folder", target_is_directory=True)
    await known(manager, models_dir / "link", "through-a-folder")
    await manager.remove("through-a-folder")
    (outside / "weights").write_bytes(b"w")
    await add_echo(manager, models_dir / "org" / "c", "with-links")
    (models_dir / "org" / "c" / "far.bin").symlink_to(outside / "weights")
    (models_dir / "org" / "c" / "inner").symlink_to(outside / "folder", target_is_directory=True)
    await manager.remove("with-links")
    await manager.storage.trash.empty()
    assert (outside / "weights").read_bytes() == b"w"
    assert (outside / "folder" / "model.safetensors").is_file()
    assert not (models_dir / "org").exists()


async def test_a_folder_that_became_a_link_since_it_was_registered_is_left_alone(
    manager: ModelManager, models_dir: Path, tmp_path: Path
) -> None:
    model = await add_echo(manager, models_dir / "org" / "c")
    (models_dir / "org").rename(tmp_path / "elsewhere")
    (models_dir / "org").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert (await manager.remove(model)).bytes == 0
    assert (tmp_path / "elsewhere" / "c" / "model.safetensors").is_file()


async def test_a_folder_that_two_names_stand_for_stays_until_the_last_one_goes(
    manager: ModelManager, models_dir: Path
) -> None:
    folder = models_dir / "org" / "c"
    await add_echo(manager, folder, "one")
    await known(manager, folder, "two")
    assert "because two needs them" in (await manager.remove("one")).message
    assert (folder / "model.safetensors").is_file()
    await manager.remove("two")
    assert not folder.exists()


async def test_of_two_variants_in_one_folder_only_one_goes_and_the_other_still_verifies(
    manager: ModelManager, models_dir: Path
) -> None:
    folder = models_dir / "org--both" / "c1"
    await add_gguf(manager, folder / "a.gguf", "a")
    await add_gguf(manager, folder / "b.gguf", "b")
    manifests = Manifests(models_dir)
    announced = [RemoteFile(name, (folder / name).stat().st_size, "0" * 64) for name in ("a.gguf", "b.gguf")]
    manifests.write(folder, Manifest("org/both", "c1", None, [described(folder, file) for file in announced]))
    removed = await manager.remove("a")
    assert not (folder / "a.gguf").exists()
    assert "What b needs of its files stays." in removed.message
    assert await answer(manager, "b")
    await manager.storage.trash.restore(removed.trash_id)
    restored = manifests.read(folder)
    assert restored is not None
    assert [file.path for file in restored.files] == ["a.gguf", "b.gguf"]
    assert await answer(manager, "a") == await answer(manager, "b")


async def test_the_models_folder_itself_never_goes(manager: ModelManager, models_dir: Path) -> None:
    model = await add_echo(manager, models_dir)
    await manager.remove(model)
    await manager.storage.trash.empty()
    assert (models_dir / "model.safetensors").is_file()


async def test_a_content_with_a_second_name_elsewhere_survives(
    manager: ModelManager, models_dir: Path, tmp_path: Path
) -> None:
    model = await add_echo(manager, models_dir / "org" / "c")
    os.link(models_dir / "org" / "c" / "model.safetensors", tmp_path / "second")
    await manager.remove(model)
    await manager.storage.trash.empty()
    assert (tmp_path / "second").stat().st_size == 1000


async def test_a_busy_model_and_a_built_in_one_are_not_removed(manager: ModelManager, models_dir: Path) -> None:
    folder = echo_model(models_dir / "org" / "busy", repeat=0, delay_ms=20)
    await known(manager, folder, "busy")
    stream = manager.stream("busy", GenerateRequest(prompt="go on", max_new_tokens=100_000), caller="owner")
    await anext(stream)
    with pytest.raises(Conflict, match="busy with 1 request"):
        await manager.remove("busy")
    await stream.aclose()
    with pytest.raises(Conflict, match="came with the application"):
        await manager.remove("starter-chat")
    assert folder.is_dir()


async def test_a_taken_name_and_a_taken_place_are_told(manager: ModelManager, models_dir: Path) -> None:
    folder = models_dir / "org" / "c"
    removed = await manager.remove(await add_echo(manager, folder))
    await add_echo(manager, folder)
    with pytest.raises(Conflict, match="a model named 'echo' again"):
        await manager.storage.trash.restore(removed.trash_id)
    await manager.update("echo", UpdateRequest(top_k=1))
    await manager.storage.trash.delete(removed.trash_id)
    assert (folder / "model.safetensors").is_file()


async def test_listeners_hear_of_it(manager: ModelManager, models_dir: Path) -> None:
    model = await add_echo(manager, models_dir / "org" / "c")
    with manager.events.subscribe() as events:
        await manager.remove(model)
        heard = [await anext(events)]
        while heard[-1].type != "storage":
            heard.append(await anext(events))
    assert "removed" in [event.state for event in heard]


async def test_what_is_old_goes_at_the_start(open_manager: OpenManager, models_dir: Path) -> None:
    manager = await open_manager()
    old = await manager.remove(await add_echo(manager, models_dir / "org" / "old", "old"))
    new = await manager.remove(await add_echo(manager, models_dir / "org" / "new", "new"))
    record = models_dir / ".trash" / old.trash_id / "record.json"
    content = json.loads(record.read_text("utf-8"))
    record.write_text(json.dumps(content | {"deleted_at": content["deleted_at"] - 8 * 24 * 3600}), "utf-8")
    (models_dir / ".quarantine").mkdir()
    for name, at in (("old", 0), ("new", None)):
        (models_dir / ".quarantine" / name).write_bytes(b"q" * 10)
        os.utime(models_dir / ".quarantine" / name, at if at is None else (at, at))
    again = await open_manager()
    while (await again.storage.info()).quarantine_bytes > 10:
        pass
    assert [entry.id for entry in await again.storage.trash.all()] == [new.trash_id]
