"""The machine measured by a real worker, once, and what is told of it and of models over HTTP and on the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.runtime.calibration import Kept
from sidecar.types import (
    Calibration,
    GenerateRequest,
    PredictRequest,
    RegisterRequest,
)
from tests.helpers.command_line import command_on, inglenook
from tests.helpers.exported import exported_classifier
from tests.helpers.service import RunningService, has_requests, running_service


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, Calibration]]:
    """A service of its own on a machine that it has measured, with one thread."""
    with running_service(tmp_path_factory.mktemp("measured"), threads=1) as service:
        yield service, asyncio.run(_calibrate(service))


async def _calibrate(service: RunningService) -> Calibration:
    async with service.client() as client:
        return await client.calibrate()


def test_measuring_finds_out_what_the_machine_can_do(measured: tuple[RunningService, Calibration]) -> None:
    service, profile = measured
    assert profile.threads == 1
    assert profile.memory_gb_s > 0
    assert profile.operation_us > 0
    assert profile.start_s > 0
    assert 0 <= profile.others_share <= 1
    assert profile.cached_mb_s is not None  # the starter models have files
    assert profile.fresh_mb_s
    assert {rate.rows for rate in profile.gemm if rate.precision == "float32"} == {1, 8, 128}
    assert {rate.precision for rate in profile.gemm} >= {"q8_0", "q4_0"}  # llama.cpp's
    kept = msgspec.json.decode(service.paths.calibration.read_bytes(), type=Kept)
    assert (kept.profile, kept.threads) == (profile, 1)


async def test_the_system_tells_what_was_measured(measured: tuple[RunningService, Calibration]) -> None:
    service, profile = measured
    async with service.client() as client:
        system = await client.system()
    assert (system.calibration, system.calibration_reason) == (profile, None)


async def test_a_starter_model_is_predicted_before_it_is_loaded(measured: tuple[RunningService, Calibration]) -> None:
    service, _ = measured
    async with service.client() as client:
        found = await client.predict("starter-chat", PredictRequest(prompt_tokens=20, max_new_tokens=10))
        assert not (await client.model("starter-chat")).is_loaded
    assert found.fit.verdict == "fits"
    assert found.prediction is not None
    assert found.prediction.tokens_per_second is not None
    assert found.prediction.tokens_per_second.expected > 1
    assert len(found.prediction.limits) == 3


async def test_an_exported_program_is_predicted_as_it_was_exported(
    measured: tuple[RunningService, Calibration],
) -> None:
    """Whatever is asked for: the engine rounds none, and says so when it loads one."""
    folder = str(exported_classifier())
    asked = RegisterRequest(name="own", model_type="classification", model_path=folder, quantization="int8")
    async with measured[0].client() as client:
        await client.register(asked)
        found = await client.predict("own", PredictRequest(prompt_tokens=20))
    assert found.prediction is not None
    assert found.prediction.precision == "float32"


def test_the_commands_print_both(measured: tuple[RunningService, Calibration]) -> None:
    command = command_on(measured[0])
    assert "GFLOP/s" in command("system").stdout
    told = command("predict", "starter-sentiment", "--prompt-tokens", "10").stdout
    assert "texts/s" in told
    assert "It fits" in told
    as_json = json.loads(command("predict", "starter-sentiment", "--json").stdout)
    assert as_json["prediction"]["precision"] == "float32"


async def test_an_unmeasured_machine_says_why_nothing_is_predicted(client: Client) -> None:
    system = await client.system()
    assert system.calibration is None
    assert "not been measured" in (system.calibration_reason or "")
    found = await client.predict("echo")
    assert (found.prediction, found.reason) == (None, system.calibration_reason)
    assert found.fit.verdict == "fits"


async def test_measuring_is_refused_while_requests_run(client: Client) -> None:
    endless = asyncio.create_task(client.generate("endless", GenerateRequest(prompt="on", max_new_tokens=100_000)))
    await has_requests(client, "endless", True)
    with pytest.raises(errors.Conflict, match="Requests are running"):
        await client.calibrate()
    endless.cancel()
    await asyncio.gather(endless, return_exceptions=True)
    await has_requests(client, "endless", False)


async def test_an_unknown_model_and_an_unknown_field_are_refused(client: Client, service: RunningService) -> None:
    with pytest.raises(errors.ModelNotFound):
        await client.predict("nobody")
    url = service.url + "/models/echo/predict"
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.post(url, json={"tokens": 5}) as answer,
    ):
        assert answer.status == 400
        assert "tokens" in (await answer.json())["detail"]


def test_commands_say_what_is_missing(service: RunningService, tmp_path: Path) -> None:
    command = command_on(service)
    assert "not been measured" in command("system").stderr
    assert "not been measured" in command("predict", "echo").stdout
    assert inglenook("system", INGLENOOK_DATA_DIR=str(tmp_path)).returncode == 4
