"""Preparing models over HTTP, with a real service and real workers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.client import Client
from sidecar.errors import Conflict, JobNotFound, LoadFailed, ModelNotFound, Unsupported
from sidecar.types import (
    ClassifyRequest,
    EmbedRequest,
    Execution,
    JobInfo,
    ModelType,
    PrepareRequest,
    RegisterRequest,
    TranslateBatchResponse,
    TranslateRequest,
    UpdateRequest,
)
from tests.helpers.command_line import command_on
from tests.helpers.models import echo_model, overwrite_weights, tiny, with_long_header
from tests.helpers.service import RunningService, job_ended, running_service

PATIENCE_S = 120
STARTER = "starter-sentiment"
TEXTS = ["the small model", "good rain, bad sun and tea?", "coffee"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("preparing"), max_loaded_models=20) as running:
        yield running


async def register(client: Client, name: str, folder: Path, task: ModelType) -> None:
    await client.register(RegisterRequest(name=name, model_type=task, model_path=str(folder)))


async def prepared(client: Client, name: str, precision: str = "auto") -> JobInfo:
    started = await client.prepare(name, PrepareRequest(precision=precision))  # type: ignore[arg-type]
    return await job_ended(client, started.job_id)


async def translations(client: Client, name: str) -> list[str]:
    answer = await client.translate(name, TranslateRequest(texts=TEXTS, source_lang="en", target_lang="de"))
    assert isinstance(answer, TranslateBatchResponse)
    return [result.translated_text for result in answer.results]


def files_of(service: RunningService) -> list[str]:
    return sorted(str(file) for file in service.paths.derived_dir.rglob("*") if file.is_file())


async def executions(client: Client, name: str, task: ModelType) -> list[Execution | None]:
    """What one text's answer and several texts' say that computed them."""
    if task == "classification":
        asked = [ClassifyRequest(text="tea"), ClassifyRequest(texts=TEXTS)]
        return [(await client.classify(name, request)).execution for request in asked]
    if task == "translation":
        asked = [
            TranslateRequest(source_lang="en", target_lang="de", text="tea"),
            TranslateRequest(source_lang="en", target_lang="de", texts=TEXTS),
        ]
        return [(await client.translate(name, request)).execution for request in asked]
    return [(await client.embed(name, EmbedRequest(texts=texts))).execution for texts in (["tea"], TEXTS, ["tea"])]


@pytest.mark.parametrize(
    ("folder", "task", "cached"),
    [("bert-single", "classification", []), ("t5", "translation", []), ("embed-mean", "embedding", [None])],
)
async def test_an_answer_names_what_computed_it_unless_all_was_cached(
    folder: str, task: ModelType, cached: list[None], client: Client
) -> None:
    await register(client, f"named-{folder}", tiny(folder), task)
    computed = Execution("transformers", "cpu", "float32")
    assert await executions(client, f"named-{folder}", task) == [computed, computed, *cached]


async def test_a_prepared_translator_gives_the_same_translations_until_it_is_removed_with_all_that_was_made_of_it(
    client: Client, service: RunningService
) -> None:
    await register(client, "marian", tiny("marian"), "translation")
    before, first = await client.model("marian"), await translations(client, "marian")
    job = await prepared(client, "marian", "float32")
    assert job.state == "done", job.message
    second, after = await translations(client, "marian"), await client.model("marian")
    assert (before.engine, after.engine) == ("transformers", "ctranslate2")
    assert "not prepared" in before.engine_reason
    assert "compared with the original" in after.engine_reason
    assert after.preparation is not None
    assert after.preparation.passed
    assert after.preparation.measures["chrf"] == pytest.approx(100, abs=0.5)
    assert second == first
    converted = Execution("ctranslate2", "cpu", "float32")
    assert await executions(client, "marian", "translation") == [converted, converted]
    await client.delete_trashed((await client.remove("marian")).trash_id)
    assert not (service.paths.derived_dir / after.version).exists()


async def test_what_was_made_of_a_model_stays_when_only_its_times_change_and_goes_with_its_weights(
    client: Client, tmp_path: Path
) -> None:
    folder = await asyncio.to_thread(shutil.copytree, tiny("marian"), tmp_path / "marian")
    await asyncio.to_thread(with_long_header, folder)
    await register(client, "again", folder, "translation")
    assert (await prepared(client, "again", "float32")).state == "done"
    await client.unload("again")
    os.utime(folder / "model.safetensors", (1, 1))
    await translations(client, "again")
    info = await client.model("again")
    assert info.engine == "ctranslate2"
    await client.unload("again")
    await asyncio.to_thread(overwrite_weights, folder)
    await translations(client, "again")
    changed = await client.model("again")
    assert changed.version != info.version
    assert changed.engine == "transformers"


async def test_what_differs_too_much_is_refused_with_the_numbers_and_not_used(
    client: Client, service: RunningService
) -> None:
    await register(client, "coarse", tiny("bert-single"), "classification")
    job = await prepared(client, "coarse", "int8")
    info = await client.model("coarse")
    assert job.state == "failed"
    assert job.error is not None
    assert job.error.code == "preparation_failed"
    assert "0.97 is asked" in job.message
    assert info.engine == "transformers"
    assert "did not agree" in info.engine_reason
    assert not [file for file in files_of(service) if info.version in file and file.endswith("model.bin")]
    await client.update("coarse", UpdateRequest(engine="ctranslate2"))
    with pytest.raises(LoadFailed, match="was refused"):
        await client.load("coarse")
    await client.update("coarse", UpdateRequest(engine="auto"))


def test_the_command_prepares_and_says_how_close_it_came(service: RunningService) -> None:
    done = command_on(service)("prepare", STARTER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{STARTER} is prepared in int8: agreement 1")


async def test_unknown_models_and_jobs_are_not_found(client: Client) -> None:
    with pytest.raises(ModelNotFound):
        await client.prepare("nobody")
    with pytest.raises(JobNotFound, match="GET /jobs"):
        await client.job("none")


@pytest.fixture(scope="module")
def told(service: RunningService) -> list[JobInfo]:
    """What the events told of preparing the starter model, from its start to its end."""
    return asyncio.run(_followed(service))


async def _followed(service: RunningService) -> list[JobInfo]:
    seen: list[JobInfo] = []
    async with service.client() as client, contextlib.aclosing(client.events()) as events:
        waiting = asyncio.ensure_future(anext(events))
        started = await client.prepare(STARTER)
        async with asyncio.timeout(PATIENCE_S):
            while not seen or seen[-1].finished_at is None:
                event = await waiting
                waiting = asyncio.ensure_future(anext(events))
                seen += [event.job] if event.job is not None and event.job.id == started.job_id else []
        waiting.cancel()
        await asyncio.wait({waiting})
    return seen


def test_a_job_tells_of_itself_among_the_events(told: list[JobInfo]) -> None:
    assert told[-1].state == "done", told[-1].message
    assert told[0].state in ("queued", "running")
    assert [job.progress for job in told] == sorted(job.progress for job in told)


async def test_a_precision_that_fails_is_followed_by_one_that_passes(client: Client) -> None:
    await register(client, "second-try", tiny("bert-multi"), "classification")
    refused, job = await prepared(client, "second-try", "int8"), await prepared(client, "second-try")
    info = await client.model("second-try")
    assert (refused.state, job.state) == ("failed", "done")
    assert info.preparation is not None
    assert info.preparation.precision == "float32"


async def test_the_engine_can_be_chosen_per_model(told: list[JobInfo], client: Client) -> None:
    await client.classify(STARTER, ClassifyRequest(text="Could not be happier."))
    used = await client.model(STARTER)
    info = await client.update(STARTER, UpdateRequest(engine="transformers"))
    assert (used.engine, info.engine, info.engine_choice) == ("ctranslate2", "transformers", "transformers")
    assert "option" in info.engine_reason
    await client.update(STARTER, UpdateRequest(engine="auto"))


async def test_a_cancelled_preparation_leaves_nothing_new_and_two_at_once_are_a_conflict(
    told: list[JobInfo], client: Client, service: RunningService
) -> None:
    before = files_of(service)
    started = await client.prepare(STARTER)
    with pytest.raises(Conflict, match=started.job_id):
        await client.prepare(STARTER)
    async with asyncio.timeout(PATIENCE_S):
        while (await client.job(started.job_id)).stage in ("", "starting"):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.005)
    assert (await client.cancel_job(started.job_id)).state == "cancelled"
    assert files_of(service) == before
    assert (await client.cancel_job(started.job_id)).state == "cancelled"


async def test_a_family_that_cannot_be_converted_is_told_at_once(client: Client, service: RunningService) -> None:
    folder = echo_model(service.paths.data_dir / "echo")
    await register(client, "echo", folder, "classification")
    with pytest.raises(Unsupported, match="cannot be prepared"):
        await client.prepare("echo")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["/bin/umount", str(folder)], check=True)


async def test_a_disk_without_room_is_told_before_anything_is_done(small_disk: Path) -> None:
    with running_service(small_disk) as running:
        async with running.client() as client:
            job = await prepared(client, STARTER)
    assert job.error is not None
    assert job.error.code == "disk_full"
    assert "MB are free" in job.message


async def test_with_auto_prepare_a_loaded_model_is_prepared_unasked(small_disk: Path) -> None:
    with running_service(small_disk, auto_prepare="true") as running:
        async with running.client() as client:
            await client.classify(STARTER, ClassifyRequest(text="Fine."))
            (job,) = await client.jobs()
            assert (job.kind, job.model) == ("prepare", STARTER)
            assert (await job_ended(client, job.id)).state == "failed"  # there is no room for it here
