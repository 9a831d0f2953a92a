"""The real service: its models folder moves while a model answers, is killed at every step of that, and runs out of disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.types import GenerateRequest, GenerateResponse, JobInfo, RegisterRequest
from tests.helpers.disks import MAY_MOUNT, fill, small_disk
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import echo_model
from tests.helpers.sabotage import kill_at, slow_at
from tests.helpers.service import has_requests, job_ended, running_service

MODEL = "org/chat"
STEPS = {
    "before anything is copied": "os.rename|models-move.json|1",
    "in the middle of copying": "os.rename|z.bin|1",
    "before the change": "os.rename|models-move.json|2",
    "before the setting is written": "os.rename|config.toml|1",
    "in the middle of emptying it": "os.remove|z.bin|1",
    "before the journal is closed": "os.remove|models-move.json|1",
}


def place(models_dir: Path) -> Path:
    """A model that really answers, with a further file."""
    folder = models_dir / "org--chat" / "c1"
    folder.mkdir(parents=True)
    shutil.copy2(gguf_model("llama-chat"), folder / "m.gguf")
    (folder / "z.bin").write_bytes(os.urandom(300_000))
    return folder / "m.gguf"


async def register(client: Client, path: Path, name: str = MODEL) -> None:
    await client.register(RegisterRequest(name=name, model_type="text_generation", model_path=str(path)))


async def answer(client: Client) -> str:
    said = await client.generate(MODEL, GenerateRequest(prompt="Hello", max_new_tokens=4, temperature=0))
    assert isinstance(said, GenerateResponse)
    return said.generated_text


async def moved(client: Client, folder: Path) -> JobInfo:
    return await job_ended(client, (await client.move_models(str(folder))).job_id)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


async def test_the_folder_moves_while_a_model_answers_and_stays_there_after_a_restart(tmp_path: Path) -> None:
    data, target = tmp_path / "data", tmp_path / "disk" / "models"
    path = place(data / "models")
    with running_service(data) as service:
        async with service.client() as client:
            await register(client, path)
            before = await answer(client)
            stream = client.stream(MODEL, GenerateRequest(prompt="Tell me", max_new_tokens=200, temperature=0))
            await anext(stream)
            job = await moved(client, target)
            assert (job.state, job.message) == ("done", f"The models are in {target} now.")
            assert (await client.model(MODEL)).model_path == str(target / "org--chat" / "c1" / "m.gguf")
            async for chunk in stream:
                last = chunk
            assert last.done
            assert not path.exists()
            await has_requests(client, MODEL, False)
            await client.unload(MODEL)
            assert await answer(client) == before
            removed = await client.remove(MODEL)
            await moved(client, data / "back")
            await client.restore(removed.trash_id)
            assert (await client.storage()).folder == str(data / "back")
    with running_service(data) as service:
        async with service.client() as client:
            assert await answer(client) == before
            assert (await moved(client, data / "models")).state == "done"
            setting = next(one for one in await client.settings() if one.key == "models_dir")
            assert (setting.value, setting.source) == ("", "default")
            assert await answer(client) == before


@pytest.mark.parametrize("point", ["os.rename|record.json|2", "os.rename|m.gguf|2"], ids=["removing", "restoring"])
async def test_a_model_is_there_when_the_service_was_killed_while_removing_or_restoring_it(
    point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    path = place(data / "models")
    kill_at(point, tmp_path, monkeypatch)
    with running_service(data) as killed:
        async with killed.client() as client:
            await register(client, path)
            said = await answer(client)
            with pytest.raises(errors.ServiceUnreachable):
                await client.restore((await client.remove(MODEL)).trash_id)
        assert killed.wait() == -signal.SIGKILL
    monkeypatch.delenv("PYTHONPATH")
    with running_service(data) as service:
        async with service.client() as client:
            assert await answer(client) == said
            assert await client.trash() == []


async def test_where_a_move_would_not_last_or_would_collide_it_is_refused(tmp_path: Path) -> None:
    with running_service(tmp_path / "data", models_dir=str(tmp_path / "named")) as service:
        async with service.client() as client:
            with pytest.raises(errors.Conflict, match="named by the environment"):
                await client.move_models(str(tmp_path / "new"))
    with running_service(tmp_path / "data") as service:
        async with service.client() as client:
            with pytest.raises(errors.InvalidRequest, match="not an absolute path"):
                await client.move_models("new")
            with pytest.raises(errors.Conflict, match="not empty"):
                await client.move_models(str(tmp_path / "data" / "logs"))


if MAY_MOUNT:

    @pytest.fixture
    def disk(tmp_path: Path) -> Iterator[Path]:
        """Another disk, of 70 MB."""
        with small_disk(tmp_path / "disk", "70m") as folder:
            yield folder

    @pytest.mark.parametrize("step", STEPS)
    async def test_a_service_killed_while_the_folder_moves_leaves_one_whole_folder_and_goes_on(
        step: str, tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data, target = tmp_path / "data", disk / "models"
        path = place(data / "models")
        before = contents(data / "models")
        kill_at(STEPS[step], tmp_path, monkeypatch)
        with running_service(data) as killed:
            async with killed.client() as client:
                await register(client, path)
                said = await answer(client)
                with pytest.raises(errors.ServiceUnreachable):
                    await moved(client, target)
            assert killed.wait() == -signal.SIGKILL
        monkeypatch.delenv("PYTHONPATH")
        began = journal(data).exists()
        switched = began and json.loads(journal(data).read_text("utf-8"))["switched"]
        assert contents(target if switched else data / "models") == before
        with running_service(data) as service:
            async with service.client() as client:
                assert [(await job_ended(client, job.id)).state for job in await client.jobs()] == ["done"] * began
                used, left = (target, data / "models") if began else (data / "models", target)
                assert (await client.storage()).folder == str(used)
                assert contents(used) == before
                assert await answer(client) == said
        assert not journal(data).exists()
        assert not left.exists()

    async def test_a_move_that_is_cancelled_or_finds_no_room_leaves_everything_as_it_was(
        tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = tmp_path / "data"
        slow_at(".slow", tmp_path, monkeypatch)
        path = place(data / "models")
        with running_service(data) as service:
            async with service.client() as client:
                await register(client, path)
                (data / "models" / "large").write_bytes(bytes(30 << 20))
                with pytest.raises(errors.DiskFull) as caught:
                    await client.move_models(str(disk / "models"))
                assert caught.value.details["needed_mb"] > caught.value.details["free_mb"] > 0
                (data / "models" / "large").unlink()
                for number in range(600):  # a minute's work, so that there is something to stop
                    (data / "models" / f"{number}.slow").write_bytes(b"x")
                started = await client.move_models(str(disk / "models"))
                with pytest.raises(errors.Conflict, match="is moving"):
                    await client.remove(MODEL)
                info = await client.cancel_job(started.job_id)
                assert info.state == "cancelled"
                assert await answer(client)
                assert (await client.model(MODEL)).model_path == str(path)
        assert not (disk / "models").exists()
        assert not journal(data).exists()

    async def test_on_a_disk_that_is_full_to_the_last_byte_a_removal_is_refused_and_the_trash_can_be_emptied(
        tmp_path: Path, disk: Path
    ) -> None:
        models = disk / "models"
        with running_service(tmp_path / "data", models_dir=str(models)) as service:
            async with service.client() as client:
                for name in ("one", "two"):
                    await register(client, echo_model(models / "org" / name), name)
                await client.remove("one")
                fill(disk / "filler")
                with pytest.raises(errors.DiskFull, match="Empty the trash or clean up"):
                    await client.remove("two")
                assert (await client.load("two")).status == "loaded"
                assert (await client.empty_trash()).deleted > 0
                assert (await client.remove("two")).bytes > 0


def journal(data: Path) -> Path:
    return data / "models-move.json"
