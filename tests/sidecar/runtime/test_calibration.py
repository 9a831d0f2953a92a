"""The kept profile, and when the machine is measured, with a clock and a worker that are not real; the real measurement
is driven in tests/sidecar/routes/test_prediction.py."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.errors import Conflict, LoadFailed
from sidecar.runtime.calibration import AGAIN_S, QUIET_S, Calibrator, Figures
from sidecar.runtime.protocol import Calibrated
from sidecar.types import Calibration
from sidecar.types.prediction import BUSY
from tests.helpers.profile import keep, made_up

from .test_residency import FakeClock


class Bench:
    """A calibrator with everything around it in a test's hands."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.file = folder / "calibration.json"
        self.gemm = made_up().gemm
        self.idle = 1000.0
        self.wanted = True
        self.threads = 0
        self.others = 0.0
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.error: Exception | None = None
        self.measured = self.given_up = 0
        self.calibrator = self.fresh()

    def fresh(self) -> Calibrator:
        return Calibrator(
            self.file,
            measure=self.measure,
            idle_s=lambda: self.idle,
            wanted=lambda: self.wanted,
            threads=lambda: self.threads,
            clock=self.clock,
        )

    async def measure(self) -> Figures:
        self.measured += 1
        try:
            await self.may_finish.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.error is not None:
            raise self.error
        return Figures(
            Calibrated(2, self.gemm, 20.0, 10.0, 200.0, 500.0, 4000.0, others_share=self.others), start_s=3.0
        )

    async def known(self) -> Calibration:
        """Wait for the profile."""
        await until(lambda: self.calibrator.profile is not None)
        assert self.calibrator.profile is not None
        return self.calibrator.profile


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what nobody is told; the limit only guards against hanging."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_without_a_profile_the_reason_is_told(bench: Bench) -> None:
    await bench.calibrator.open()
    assert bench.calibrator.profile is None
    assert "not been measured yet" in (bench.calibrator.reason or "")


async def test_the_machine_is_measured_once_the_service_is_quiet(bench: Bench) -> None:
    bench.idle = 0.0
    await bench.calibrator.open()
    await bench.clock.advance(QUIET_S)
    assert bench.measured == 0
    bench.idle = QUIET_S
    await bench.clock.advance(QUIET_S)
    assert (await bench.known()).memory_gb_s == 20.0
    assert bench.calibrator.reason is None
    await bench.calibrator.close()


async def test_a_machine_that_others_kept_busy_is_measured_again(bench: Bench) -> None:
    bench.others = BUSY
    assert (await bench.calibrator.measure()).others_share == BUSY
    await bench.clock.advance(AGAIN_S)
    assert bench.measured == 2
    await bench.calibrator.close()
    bench.others, bench.calibrator = 0.0, bench.fresh()
    await bench.calibrator.open()  # what was kept serves meanwhile
    assert bench.calibrator.profile is not None
    await bench.clock.advance(AGAIN_S)
    assert bench.measured == 3
    await until(lambda: bench.calibrator.profile is not None and not bench.calibrator.profile.rough)
    await bench.clock.advance(10 * AGAIN_S)
    assert bench.measured == 3
    await bench.calibrator.close()


async def test_nothing_is_measured_unasked_when_the_setting_says_so(bench: Bench) -> None:
    bench.wanted = False
    await bench.calibrator.open()
    await bench.clock.advance(10 * QUIET_S)
    assert bench.measured == 0
    assert (await bench.calibrator.measure()).start_s == 3.0


async def test_a_profile_is_kept_for_the_next_start(bench: Bench) -> None:
    profile = await bench.calibrator.measure()
    again = bench.fresh()
    await again.open()
    assert again.profile == profile
    assert bench.measured == 1


@pytest.mark.parametrize(
    ("changes", "word"), [({"processor": "another"}, "processor"), ({"library": "torch 1.0"}, "library")]
)
async def test_a_profile_of_another_machine_or_library_is_not_used(
    bench: Bench, changes: dict[str, str], word: str
) -> None:
    await asyncio.to_thread(lambda: keep(bench.file, made_up(**changes)))
    await bench.calibrator.open()
    assert bench.calibrator.profile is None
    assert f"the {word} changed" in (bench.calibrator.reason or "")
    await bench.clock.advance(QUIET_S)
    assert (await bench.known()).processor != "another"
    await bench.calibrator.close()


async def test_other_settings_or_an_older_release_are_reasons_too(bench: Bench) -> None:
    await asyncio.to_thread(lambda: keep(bench.file, made_up(), threads=7, format=0))
    await bench.calibrator.open()
    assert "what is measured and the number of threads changed" in (bench.calibrator.reason or "")


async def test_another_number_of_threads_asks_for_another_measurement(bench: Bench) -> None:
    await bench.calibrator.measure()
    bench.threads = 5
    bench.calibrator.settings_changed()
    assert bench.calibrator.profile is None
    assert "the number of threads changed" in (bench.calibrator.reason or "")
    await bench.clock.advance(QUIET_S)
    await bench.known()
    assert bench.measured == 2
    await bench.calibrator.close()


async def test_a_damaged_file_is_set_aside_and_told(bench: Bench, tmp_path: Path) -> None:
    await asyncio.to_thread(bench.file.write_bytes, b'{"format": 1, "profile": {')
    await bench.calibrator.open()
    assert "damaged" in (bench.calibrator.reason or "")
    names = await asyncio.to_thread(os.listdir, tmp_path)
    assert [name.startswith("calibration.json.damaged-") for name in names] == [True]


async def test_a_request_that_comes_in_ends_the_measurement_and_it_is_taken_up_later(bench: Bench) -> None:
    bench.may_finish.clear()
    await bench.calibrator.open()
    await bench.clock.advance(QUIET_S)
    bench.idle = 0.0
    async with asyncio.timeout(20):
        while not bench.given_up:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    bench.idle = 1000.0
    bench.may_finish.set()
    await asyncio.sleep(0)
    await bench.clock.advance(QUIET_S)
    await bench.known()
    assert bench.measured == 2
    await bench.calibrator.close()


async def test_measuring_is_refused_while_requests_run_or_it_runs_already(bench: Bench) -> None:
    bench.idle = 0.0
    with pytest.raises(Conflict, match="Requests are running"):
        await bench.calibrator.measure()
    bench.idle = 1000.0
    bench.may_finish.clear()
    first = asyncio.create_task(bench.calibrator.measure())
    await asyncio.sleep(0)
    with pytest.raises(Conflict, match="already"):
        await bench.calibrator.measure()
    bench.may_finish.set()
    assert (await first).threads == 2


async def test_a_measurement_that_fails_is_told_and_leaves_the_kept_profile(bench: Bench) -> None:
    await bench.calibrator.measure()
    bench.error = LoadFailed(model="transformers", reason="no memory")
    with pytest.raises(LoadFailed):
        await bench.calibrator.measure()
    assert bench.calibrator.profile is not None
