"""Replicas of one model: which of them gets a request, and how many there are on GPUs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sidecar.registry.store import ModelVersion
from sidecar.runtime.placement import replica_devices

from .test_residency import FakeWorker, World, version_of


@pytest.mark.parametrize(
    ("asked", "actual", "count", "gpus", "devices"),
    [
        ("auto", "cpu", 3, 0, ["auto", "auto", "auto"]),
        ("auto", "cpu", 2, 4, ["auto", "auto"]),
        ("cpu", "cpu", 2, 4, ["cpu", "cpu"]),
        ("auto", "cuda:0", 3, 2, ["cuda:0", "cuda:1"]),
        ("gpu", "cuda:0", 2, 4, ["cuda:0", "cuda:1"]),
        ("cuda:1", "cuda:1", 3, 4, ["cuda:1"]),
        ("auto", "cuda:0", 3, 0, ["cuda:0"]),
        ("auto", "mps", 3, 1, ["auto"]),
    ],
)
def test_on_gpus_there_is_at_most_one_replica_for_each(
    asked: str, actual: str, count: int, gpus: int, devices: list[str]
) -> None:
    assert replica_devices(asked, actual, count, gpus) == devices


class GpuWorld(World):
    """A machine with two GPUs, the first of which is taken where a request does not say which."""

    def __init__(self) -> None:
        super().__init__()
        self.residency = self.residency_of(
            spawn=self.on_gpu,
            devices=lambda asked, actual, count: replica_devices(asked, actual, count, 2),
        )

    async def on_gpu(self, version: ModelVersion, device: str) -> FakeWorker:
        return await self.spawn(version, "cuda:0" if device in ("auto", "gpu") else device)


async def test_replicas_on_gpus_are_spread_and_capped_by_their_number() -> None:
    world = GpuWorld()
    resident = await world.residency.load(version_of("a", num_workers=5))
    assert [replica.worker.device for replica in resident.live] == ["cuda:0", "cuda:1"]
    await world.residency.close()


async def test_replicas_may_get_requests_in_turn() -> None:
    world = World()
    world.limits = replace(world.limits, round_robin=True)
    version = version_of("a", num_workers=2)
    await world.residency.load(version)
    used = []
    for _ in range(4):
        async with world.residency.acquire(version) as worker:
            used.append(world.spawned.index(worker))
    assert used == [0, 1, 0, 1]
    await world.residency.close()
