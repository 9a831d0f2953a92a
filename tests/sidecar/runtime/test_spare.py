"""The spare worker with real processes of the echo engine and a clock that is not real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest

from sidecar.errors import LoadFailed
from sidecar.runtime.spare import QUIET_S, SpareWorker
from sidecar.runtime.worker import Worker

from .test_residency import FakeClock


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.started: list[Worker] = []
        self.room = True
        self.minutes = 30.0
        self.busy = False
        self.spare = SpareWorker(
            start=self.start,
            may_start=self.may_start,
            minutes=lambda: self.minutes,
            busy=lambda: self.busy,
            clock=self.clock,
        )

    async def prepare(self) -> None:
        """Want a spare, and let the quiet time pass."""
        self.spare.prepare("echo")
        await self.clock.advance(QUIET_S)

    async def start(self, engine: str) -> Worker:
        self.started.append(await Worker.start(engine, stall_timeout_s=60))
        return self.started[-1]

    async def may_start(self) -> bool:
        return self.room

    async def ready(self) -> Worker:
        """Wait until the spare has come up."""
        async with asyncio.timeout(20):
            while not self.started:  # noqa: ASYNC110 - the spare tells nobody
                await asyncio.sleep(0.02)
        return self.started[-1]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    yield bench
    await bench.spare.close()
    for worker in bench.started:
        await worker.close()


async def test_the_spare_is_handed_out_once(bench: Bench) -> None:
    await bench.prepare()
    worker = await bench.ready()
    assert await bench.spare.take("echo") is worker
    assert await bench.spare.take("echo") is None
    assert worker.alive


async def test_a_spare_that_is_still_importing_is_waited_for(bench: Bench) -> None:
    await bench.prepare()
    worker = await bench.spare.take("echo")
    assert worker is not None
    assert worker.alive


async def test_preparing_twice_makes_one(bench: Bench) -> None:
    await bench.prepare()
    await bench.prepare()
    await bench.ready()
    assert len(bench.started) == 1


async def test_a_spare_waits_until_nothing_runs(bench: Bench) -> None:
    bench.busy = True
    await bench.prepare()
    await bench.clock.advance(QUIET_S)
    assert bench.spare.waiting
    assert bench.started == []
    bench.busy = False
    await bench.clock.advance(QUIET_S)
    assert (await bench.ready()).alive


async def test_a_load_before_the_quiet_time_gets_none(bench: Bench) -> None:
    bench.spare.prepare("echo")
    assert await bench.spare.take("echo") is None
    assert not bench.spare.waiting


async def test_another_engines_spare_is_of_no_use(bench: Bench) -> None:
    await bench.prepare()
    assert await bench.spare.take("transformers") is None
    assert bench.spare.waiting


async def test_an_unused_spare_is_ended_in_time(bench: Bench) -> None:
    await bench.prepare()
    worker = await bench.ready()
    await bench.clock.advance(29 * 60)
    assert worker.alive
    await bench.clock.advance(2 * 60)
    await asyncio.wait_for(asyncio.shield(worker.ended), 20)
    assert not psutil.pid_exists(worker.pid)
    assert not bench.spare.waiting


async def test_there_is_no_spare_while_memory_is_short(bench: Bench) -> None:
    bench.room = False
    await bench.prepare()
    assert await bench.spare.take("echo") is None
    await bench.prepare()
    await asyncio.sleep(0.05)
    assert not bench.spare.waiting
    assert bench.started == []


async def test_no_minutes_mean_no_spare(bench: Bench) -> None:
    bench.minutes = 0
    await bench.prepare()
    assert not bench.spare.waiting


async def test_closing_gives_its_memory_back(bench: Bench) -> None:
    await bench.prepare()
    worker = await bench.ready()
    assert await bench.spare.close()
    assert not psutil.pid_exists(worker.pid)
    assert not await bench.spare.close()


async def test_a_spare_that_died_is_not_handed_out(bench: Bench) -> None:
    await bench.prepare()
    worker = await bench.ready()
    psutil.Process(worker.pid).kill()
    await worker.ended
    assert await bench.spare.take("echo") is None


async def test_a_spare_that_cannot_start_is_no_error() -> None:
    async def fails(engine: str) -> Worker:
        raise LoadFailed(model=engine, reason="no")

    async def yes() -> bool:
        return True

    clock = FakeClock()
    spare = SpareWorker(start=fails, may_start=yes, minutes=lambda: 1, busy=lambda: False, clock=clock)
    spare.prepare("echo")
    await clock.advance(QUIET_S)
    await asyncio.sleep(0.05)
    assert not spare.waiting
