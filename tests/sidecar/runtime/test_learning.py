"""What real runs teach, with the echo engine and real workers, and a profile that was kept before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import ModelNotFound
from sidecar.paths import Paths
from sidecar.runtime.manager import ModelManager
from sidecar.types import (
    ClassifyRequest,
    DecideRequest,
    GenerateRequest,
    PredictRequest,
    PrepareRequest,
    RegisterRequest,
    UpdateRequest,
)
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import tiny
from tests.helpers.profile import keep, made_up
from tests.helpers.service import job_ended, running_service

OpenManager = Callable[..., Awaitable[ModelManager]]
AddEcho = Callable[..., Awaitable[str]]
WORDS = " ".join(f"word{number}" for number in range(30))


@pytest.fixture
def measured_machine(tmp_path: Path) -> None:
    keep(Paths.in_folder(tmp_path / "data").calibration, made_up())


async def ask(manager: ModelManager, model: str, prompt: str) -> None:
    await manager.generate(model, GenerateRequest(prompt=prompt), caller="owner")


@pytest.mark.usefixtures("measured_machine")
async def test_every_run_corrects_what_is_predicted(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", delay_ms=20)
    before = await manager.predict(model)
    assert before.prediction is not None
    assert before.prediction.evidence == before.measured.loads == before.measured.answers == 0
    for number in range(3):
        await ask(manager, model, f"{number} {WORDS}")
    after = await manager.predict(model, PredictRequest(prompt_tokens=31, max_new_tokens=31))
    assert after.prediction is not None
    assert after.prediction.evidence == 3
    assert after.measured.tokens_per_second is not None
    assert after.measured.tokens_per_second <= 50
    for told, seen in (
        (after.prediction.tokens_per_second, after.measured.tokens_per_second),
        (after.prediction.memory_mb, after.measured.memory_mb),
    ):
        assert told is not None
        assert told.expected == pytest.approx(seen, rel=0.05)
    assert after.measured.first_token_s is not None
    assert (after.measured.loads, after.measured.answers) == (1, 3)


@pytest.mark.usefixtures("measured_machine")
async def test_a_model_that_never_ran_learns_from_its_kin(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    slow, new = await add_echo(manager, "slow", delay_ms=20), await add_echo(manager, "new")
    before = (await manager.predict(new)).prediction
    await ask(manager, slow, WORDS)
    after = (await manager.predict(new)).prediction
    assert before is not None
    assert after is not None
    assert after.tokens_per_second.expected < before.tokens_per_second.expected / 2  # type: ignore[union-attr]
    assert after.evidence == 0


@pytest.mark.usefixtures("measured_machine")
async def test_runs_beside_others_teach_nothing(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", delay_ms=5)
    await manager.load(model)
    await asyncio.gather(*(ask(manager, model, f"{number} {WORDS}") for number in range(3)))
    assert (await manager.predict(model)).measured.answers == 0


async def test_a_prompt_that_may_be_remembered_does_not_count_as_read(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    for _ in range(3):
        await ask(manager, model, WORDS)
    measured = (await manager.predict(model)).measured
    assert measured.answers == 3
    assert measured.first_token_s is None


async def test_a_decision_on_a_prompt_that_may_be_remembered_teaches_nothing(open_manager: OpenManager) -> None:
    manager = await open_manager()
    file = str(gguf_model("llama-chat"))
    await manager.register(RegisterRequest(name="gguf", model_type="text_generation", model_path=file))
    await ask(manager, "gguf", "the")  # the first one of a fresh worker is not like the others

    async def decide(prompt: str) -> int:
        await manager.decide("gguf", DecideRequest(labels=["yes", "no"], prompt=prompt), caller="owner")
        return (await manager.predict("gguf")).measured.answers

    before = (await manager.predict("gguf")).measured.answers
    assert await decide(f"1 {WORDS}") == before + 1
    assert await decide(f"1 {WORDS}") == before + 1
    assert await decide(f"2 {WORDS}") == before + 2


async def test_what_was_learned_outlives_the_service_and_ends_with_the_model(
    open_manager: OpenManager, add_echo: AddEcho, tmp_path: Path
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    await ask(manager, model, WORDS)
    await manager.remove(model)
    folder = str(tmp_path / "folders" / "echo")
    await manager.register(RegisterRequest(name="echo", model_type="text_generation", model_path=folder))
    assert (await manager.predict(model)).measured.loads == 0


@pytest.mark.usefixtures("measured_machine")
async def test_a_model_that_reads_is_told_in_texts(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "reader", model_type="classification", delay_ms=20)
    for number in range(3):
        await manager.classify(model, ClassifyRequest(texts=[f"{number} good", "bad"]), caller="owner")
    found = await manager.predict(model, PredictRequest(prompt_tokens=2, texts=2))
    assert found.prediction is not None
    assert found.prediction.tokens_per_second is None
    assert found.measured.answers == 2  # the first one of a fresh worker is not like the others
    assert found.prediction.texts_per_second.expected == pytest.approx(found.measured.texts_per_second, rel=0.3)  # type: ignore[union-attr]


@pytest.mark.usefixtures("measured_machine")
async def test_a_gguf_model_is_predicted_before_it_ever_ran(open_manager: OpenManager) -> None:
    manager = await open_manager()
    file = gguf_model("qwen2-q8")
    await manager.register(RegisterRequest(name="gguf", model_type="text_generation", model_path=str(file)))
    found = await manager.predict("gguf")
    assert found.prediction is not None, found.reason
    assert found.prediction.precision == "q8_0"
    assert found.prediction.evidence == 0
    assert found.prediction.tokens_per_second is not None


@pytest.mark.usefixtures("measured_machine")
async def test_runs_in_another_precision_do_not_count(open_manager: OpenManager) -> None:
    manager = await open_manager()
    folder = str(tiny("llama-chat"))
    await manager.register(RegisterRequest(name="llama", model_type="text_generation", model_path=folder))
    await manager.load("llama")
    assert (await manager.predict("llama")).measured.loads == 1
    await manager.update("llama", UpdateRequest(quantization="int8"))
    assert (await manager.predict("llama")).measured.loads == 0


@pytest.mark.usefixtures("measured_machine")
async def test_runs_on_another_engine_do_not_count(tmp_path: Path) -> None:
    with running_service(tmp_path / "data") as service:
        async with service.client() as client:
            request = RegisterRequest(name="one", model_type="classification", model_path=str(tiny("distilbert")))
            await client.register(request)
            assert (await client.predict("one")).measured.loads == 1
            job = await job_ended(client, (await client.prepare("one", PrepareRequest(precision="float32"))).job_id)
            assert job.state == "done", job.message
            await client.unload("one")
            prepared = await client.predict("one")
            assert prepared.prediction is not None
            assert prepared.prediction.precision == "float32"
            assert (prepared.measured.loads, prepared.prediction.evidence) == (0, 0)
            await client.load("one")
            assert (await client.model("one")).engine == "ctranslate2"
            assert (await client.predict("one")).measured.loads == 1


@pytest.mark.usefixtures("measured_machine")
async def test_whether_it_fits_is_told_with_the_numbers(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager(memory_limit_mb=60)
    first, second = await add_echo(manager, "first"), await add_echo(manager, "second")
    assert (await manager.predict(first)).fit.verdict == "fits"
    await manager.load(first)
    fit = (await manager.predict(second)).fit
    assert fit.verdict == "after_unloading"
    assert fit.needed_mb > fit.free_mb
    assert (await manager.predict(first)).fit.verdict == "fits"
    manager.apply(type(manager.settings)(memory_limit_mb=1, spare_worker=False, calibrate=False))
    assert (await manager.predict(second)).fit.verdict == "too_large"


@pytest.mark.usefixtures("measured_machine")
async def test_nothing_is_predicted_for_a_device_that_was_not_measured(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    options: dict[str, Any] = {"device": "cuda:0"}
    found = await manager.predict(await add_echo(manager, "echo", options=options))
    assert found.prediction is None
    assert "GPU" in (found.reason or "")


async def test_without_a_profile_there_is_a_reason_and_what_was_measured(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    await ask(manager, model, WORDS)
    found = await manager.predict(model)
    assert found.prediction is None
    assert "measured" in (found.reason or "")
    assert found.measured.tokens_per_second is not None


async def test_an_unknown_model_is_not_found(open_manager: OpenManager) -> None:
    manager = await open_manager()
    with pytest.raises(ModelNotFound):
        await manager.predict("nobody")
