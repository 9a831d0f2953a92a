"""The state machine of what is in memory, with a clock, workers and memory that are not real."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import Conflict, DoesNotFit, LoadFailed, QueueFull
from sidecar.registry.inspect import Inspection
from sidecar.registry.store import ModelOptions, ModelVersion
from sidecar.runtime.residency import Limits, Residency
from sidecar.runtime.resident import Wish

MB = 1024 * 1024


@dataclass(eq=False)
class FakeTimer:
    at: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class FakeClock:
    time: float = 1000.0
    timers: list[FakeTimer] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def call_later(self, seconds: float, call: Callable[[], None]) -> FakeTimer:
        self.timers.append(FakeTimer(self.time + seconds, call))
        return self.timers[-1]

    async def advance(self, seconds: float) -> None:
        self.time += seconds
        for timer in [timer for timer in self.timers if timer.at <= self.time]:
            self.timers.remove(timer)
            if not timer.cancelled:
                timer.call()
        await settle()


class FakeWorker:
    def __init__(self, version: ModelVersion, memory: int, device: str) -> None:
        self.version = version
        self.memory_bytes = memory
        self.device = "cpu" if device == "auto" else device
        self.ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        return not self.ended.done()

    async def measure(self) -> int:
        return self.memory_bytes

    async def close(self) -> None:
        if self.alive:
            self.ended.set_result(None)

    def crash(self) -> None:
        self.ended.set_result(None)


class World:
    """A machine of 1000 MB whose models take 100 MB each, and a residency on it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.limits = Limits(models=10, memory=1000 * MB, queue=100, sequences=2, keep_alive=300)
        self.sizes: dict[str, int] = {}
        self.total = 2000 * MB
        self.spawned: list[FakeWorker] = []
        self.loading_now: dict[str, int] = {}
        self.most_at_once = 0
        self.gates: dict[str, asyncio.Event] = {}
        self.failures: dict[str, Exception] = {}
        self.changes: list[tuple[str, str]] = []
        self.spare_bytes = 0
        self.residency = self.residency_of(spawn=self.spawn)

    def residency_of(self, **parts: Any) -> Residency[FakeWorker]:
        """One that lives in this world, with these parts of its own."""
        return Residency(
            needed=lambda version, device: self.size(version.model),
            available=self.available,
            relieve=self.relieve,
            report=lambda model, change, message: self.changes.append((model, change)),
            limits=lambda: self.limits,
            clock=self.clock,
            **parts,
        )

    def size(self, model: str) -> int:
        return self.sizes.get(model, 100 * MB)

    async def available(self) -> int:
        return self.total - self.spare_bytes - sum(worker.memory_bytes for worker in self.spawned if worker.alive)

    async def relieve(self) -> bool:
        had, self.spare_bytes = self.spare_bytes > 0, 0
        return had

    async def spawn(self, version: ModelVersion, device: str) -> FakeWorker:
        self.loading_now[version.model] = self.loading_now.get(version.model, 0) + 1
        self.most_at_once = max(self.most_at_once, sum(self.loading_now.values()))
        try:
            await self.gates.get(version.model, _open()).wait()
            await asyncio.sleep(0)
            if (failure := self.failures.get(version.model)) is not None:
                raise failure
        finally:
            self.loading_now[version.model] -= 1
        worker = FakeWorker(version, self.size(version.model), device)
        self.spawned.append(worker)
        return worker

    def loaded(self) -> list[str]:
        return sorted(resident.model for resident in self.residency.residents() if resident.live)

    async def use(self, model: str, wish: Wish = Wish(), **options: Any) -> None:  # noqa: B008
        async with self.residency.acquire(version_of(model, **options), wish):
            pass
        await settle()

    @contextlib.asynccontextmanager
    async def using(self, model: str, wish: Wish = Wish(), **options: Any):  # noqa: B008
        async with self.residency.acquire(version_of(model, **options), wish) as worker:
            yield worker


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


def version_of(model: str, **options: Any) -> ModelVersion:
    inspection = Inspection("Echo", "echo", ("text_generation",), "v1")
    return ModelVersion(model, "v1", Path("/m"), "echo", "text_generation", ModelOptions(**options), inspection)


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> World:
    return World()


async def test_a_model_is_loaded_on_first_use_and_reused_afterwards(world: World) -> None:
    await world.use("a")
    await world.use("a")
    assert len(world.spawned) == 1


async def test_requests_that_arrive_together_share_one_load(world: World) -> None:
    await asyncio.gather(*(world.use("a") for _ in range(20)))
    assert len(world.spawned) == 1


async def test_a_failed_load_is_told_to_all_who_waited_and_the_next_request_tries_again(world: World) -> None:
    world.failures["a"] = LoadFailed(model="a", reason="broken")
    results = await asyncio.gather(*(world.use("a") for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [LoadFailed] * 3
    del world.failures["a"]
    await world.use("a")
    assert world.loaded() == ["a"]


async def test_only_one_model_at_a_time_is_loaded_on_a_device(world: World) -> None:
    await asyncio.gather(*(world.use(name) for name in "abcd"))
    assert world.most_at_once == 1


async def test_two_devices_load_at_the_same_time(world: World) -> None:
    gate = world.gates["a"] = asyncio.Event()
    first = asyncio.create_task(world.use("a", device="cpu"))
    await settle()
    await world.use("b", device="cuda:0")
    gate.set()
    await first
    assert world.loaded() == ["a", "b"]


async def test_an_idle_model_leaves_after_its_keep_alive(world: World) -> None:
    await world.use("a")
    await world.clock.advance(299)
    assert world.loaded() == ["a"]
    await world.clock.advance(2)
    assert world.loaded() == []
    assert not world.spawned[0].alive


async def test_a_use_starts_the_keep_alive_anew(world: World) -> None:
    await world.use("a")
    await world.clock.advance(200)
    await world.use("a")
    await world.clock.advance(200)
    assert world.loaded() == ["a"]


async def test_a_model_in_use_outlasts_its_keep_alive(world: World) -> None:
    async with world.using("a"):
        await world.clock.advance(10_000)
        assert world.loaded() == ["a"]


async def test_keep_alive_zero_unloads_right_after_the_last_request(world: World) -> None:
    async with world.using("a", Wish(keep_alive=0)):
        await world.use("a")
        assert world.loaded() == ["a"]
    await settle()
    assert world.loaded() == []


async def test_a_negative_keep_alive_never_unloads(world: World) -> None:
    await world.use("a", Wish(keep_alive=-1))
    await world.clock.advance(1e9)
    assert world.loaded() == ["a"]


async def test_a_requests_keep_alive_wins_over_the_models_and_that_over_the_setting(world: World) -> None:
    await world.use("a", keep_alive=10)
    await world.use("b", Wish(keep_alive=50), keep_alive=10)
    await world.use("c")
    await world.clock.advance(11)
    assert world.loaded() == ["b", "c"]
    await world.clock.advance(40)
    assert world.loaded() == ["c"]


async def test_changed_options_take_effect_on_a_loaded_model(world: World) -> None:
    await world.use("a")
    world.residency.replace_version(version_of("a", keep_alive=5))
    await world.clock.advance(6)
    assert world.loaded() == []


async def test_a_models_new_keep_alive_replaces_what_a_request_asked_for(world: World) -> None:
    await world.use("a", Wish(keep_alive=-1))
    world.residency.replace_version(version_of("a", keep_alive=5))
    await world.clock.advance(6)
    assert world.loaded() == []


async def test_a_pinned_model_stays(world: World) -> None:
    await world.use("a", Wish(keep_alive=0), pinned=True)
    await world.clock.advance(1e9)
    assert world.loaded() == ["a"]


async def test_the_least_recently_used_model_makes_room_under_the_count_limit(world: World) -> None:
    world.limits = Limits(models=2, memory=1000 * MB, queue=100, sequences=2, keep_alive=300)
    for name in ("a", "b", "a", "c"):
        await world.clock.advance(1)
        await world.use(name)
    assert world.loaded() == ["a", "c"]
    assert ("b", "evicted") in world.changes


async def test_idle_models_make_room_under_the_memory_limit_and_no_more_than_needed(world: World) -> None:
    for name in "abc":
        await world.clock.advance(1)
        await world.use(name)
    world.sizes["big"] = 800 * MB
    await world.use("big")
    assert world.loaded() == ["b", "big", "c"]


async def test_idle_models_make_room_when_the_machine_itself_is_short(world: World) -> None:
    world.total = 250 * MB
    for name in "abc":
        await world.clock.advance(1)
        await world.use(name)
    assert world.loaded() == ["b", "c"]


async def test_the_spare_worker_gives_way_before_a_model_does(world: World) -> None:
    world.total, world.spare_bytes = 250 * MB, 60 * MB
    await world.use("a")
    await world.use("b")
    assert world.loaded() == ["a", "b"]
    assert world.spare_bytes == 0


async def test_the_spare_worker_stays_when_its_end_would_not_help(world: World) -> None:
    world.limits, world.spare_bytes = (
        Limits(models=10, memory=150 * MB, queue=100, sequences=2, keep_alive=300),
        60 * MB,
    )
    await world.use("a")
    await world.use("b")
    assert world.loaded() == ["b"]
    assert world.spare_bytes == 60 * MB


async def test_what_can_never_fit_is_refused_with_numbers_and_nothing_is_evicted_for_it(world: World) -> None:
    await world.use("a")
    world.sizes["huge"] = 3000 * MB
    with pytest.raises(DoesNotFit) as refused:
        await world.use("huge")
    assert "3000 MB" in refused.value.message
    assert "1000 MB" in refused.value.message
    assert world.loaded() == ["a"]


async def test_pinned_models_are_named_when_they_take_the_room(world: World) -> None:
    world.sizes["pin"], world.sizes["big"] = 600 * MB, 600 * MB
    await world.use("pin", pinned=True)
    with pytest.raises(DoesNotFit, match="pinned: pin"):
        await world.use("big")


async def test_a_full_count_of_pinned_models_is_refused(world: World) -> None:
    world.limits = Limits(models=1, memory=1000 * MB, queue=100, sequences=2, keep_alive=300)
    await world.use("pin", pinned=True)
    with pytest.raises(DoesNotFit, match="max_loaded_models"):
        await world.use("a")


async def test_a_busy_model_is_waited_for_and_not_evicted(world: World) -> None:
    world.limits = Limits(models=1, memory=1000 * MB, queue=100, sequences=2, keep_alive=300)
    async with world.using("a") as worker:
        other = asyncio.create_task(world.use("b"))
        await settle()
        assert worker.alive
        assert not other.done()
    await other
    assert world.loaded() == ["b"]


async def test_a_load_that_nobody_waits_for_any_more_evicts_nothing(world: World) -> None:
    world.limits = Limits(models=1, memory=1000 * MB, queue=100, sequences=2, keep_alive=300)
    async with world.using("a"):
        other = asyncio.create_task(world.use("b"))
        await settle()
        other.cancel()
        await settle()
    await settle()
    assert world.loaded() == ["a"]


async def test_a_load_in_progress_is_finished_though_its_request_went_away(world: World) -> None:
    gate = world.gates["a"] = asyncio.Event()
    request = asyncio.create_task(world.use("a"))
    await settle()
    request.cancel()
    gate.set()
    await settle()
    assert world.loaded() == ["a"]


async def test_a_request_that_comes_as_a_load_is_abandoned_is_served(world: World) -> None:
    world.limits = Limits(models=1, memory=1000 * MB, queue=100, sequences=2, keep_alive=300)
    async with world.using("a"):
        first = asyncio.create_task(world.use("b"))
        await settle()
        first.cancel()
        await asyncio.sleep(0)
        second = asyncio.create_task(world.use("b"))
        await settle()
    await second
    assert world.loaded() == ["b"]


async def test_replicas_share_the_requests_by_least_load(world: World) -> None:
    await world.residency.load(version_of("a", num_workers=3))
    async with world.using("a") as first, world.using("a") as second, world.using("a") as third:
        assert len({first, second, third}) == 3
        async with world.using("a"):
            pass


async def test_the_first_replica_answers_before_the_others_are_loaded(world: World) -> None:
    await world.use("a", num_workers=2)
    await settle()
    resident = world.residency.get("a")
    assert resident is not None
    assert len(resident.live) == 2


async def test_fewer_replicas_asked_for_are_fewer_in_memory(world: World) -> None:
    await world.residency.load(version_of("a"), Wish(num_workers=3))
    await world.residency.load(version_of("a"), Wish(num_workers=1))
    await settle()
    assert sum(worker.alive for worker in world.spawned) == 1


async def test_a_crashed_replica_is_dropped_and_the_other_goes_on(world: World) -> None:
    await world.residency.load(version_of("a", num_workers=2))
    world.spawned[0].crash()
    await settle()
    async with world.using("a") as worker:
        assert worker is world.spawned[1]


async def test_after_a_crash_the_next_request_has_a_fresh_worker(world: World) -> None:
    async with world.using("a") as worker:
        worker.crash()
        await settle()
    await world.use("a")
    assert [worker.alive for worker in world.spawned] == [False, True]
    assert ("a", "crashed") in world.changes


async def test_a_full_queue_refuses_and_says_when_to_come_again(world: World) -> None:
    world.limits = Limits(models=10, memory=1000 * MB, queue=3, sequences=2, keep_alive=300)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(world.using("a"))
        assert world.residency.queue_depth == 3
        with pytest.raises(QueueFull) as refused:
            await world.use("a")
        assert refused.value.details["retry_after"] >= 1
        await world.use("b")


async def test_requests_for_a_model_that_loads_count_as_waiting(world: World) -> None:
    world.limits = Limits(models=10, memory=1000 * MB, queue=3, sequences=2, keep_alive=300)
    gate = world.gates["a"] = asyncio.Event()
    waiting = [asyncio.create_task(world.use("a")) for _ in range(3)]
    await settle()
    with pytest.raises(QueueFull):
        await world.use("a")
    gate.set()
    await asyncio.gather(*waiting)


async def test_a_busy_model_is_not_unloaded_unless_forced(world: World) -> None:
    async with world.using("a") as worker:
        with pytest.raises(Conflict):
            await world.residency.unload("a")
        await world.residency.unload("a", force=True)
        assert not worker.alive
    assert world.loaded() == []


async def test_unloading_amid_a_load_is_told_to_those_who_wait(world: World) -> None:
    world.gates["a"] = asyncio.Event()
    waiting = asyncio.create_task(world.use("a"))
    await settle()
    await world.residency.unload("a", force=True)
    with pytest.raises(LoadFailed, match="unloaded while"):
        await waiting
    assert world.loaded() == []


async def test_unloading_what_is_not_loaded_changes_nothing(world: World) -> None:
    await world.residency.unload("nothing")
    assert world.changes == []


async def test_an_idle_model_moves_to_another_device_and_a_busy_one_refuses(world: World) -> None:
    async with world.using("a", Wish(device="cpu")):
        with pytest.raises(Conflict):
            await world.use("a", Wish(device="cuda:0"))
        await world.use("a", Wish(device="auto"))
    await world.use("a", Wish(device="cuda:0"))
    resident = world.residency.get("a")
    assert resident is not None
    assert [replica.worker.device for replica in resident.live] == ["cuda:0"]


async def test_closing_ends_every_worker_and_every_load(world: World) -> None:
    world.gates["b"] = asyncio.Event()
    await world.use("a")
    waiting = asyncio.create_task(world.use("b"))
    await settle()
    await world.residency.close()
    with pytest.raises(LoadFailed):
        await waiting
    assert not any(worker.alive for worker in world.spawned)
    assert world.residency.residents() == []


async def test_what_happens_is_reported_in_order(world: World) -> None:
    await world.use("a", Wish(keep_alive=0))
    await settle()
    assert world.changes == [("a", "loading"), ("a", "loaded"), ("a", "unloaded")]
