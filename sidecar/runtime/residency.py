"""What is in memory: who uses it, how long it stays, what makes room for what.

It loads on first use, lets requests for one model share one load, evicts the least recently used of the idle and never
the busy. How a worker is started, how much memory there is and what time it is are passed in, so that all of this is
tested without a model.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic, Literal

from msgspec import Struct

from sidecar.errors import Conflict, InglenookError, LoadFailed, QueueFull
from sidecar.registry.store import ModelVersion
from sidecar.runtime import eviction
from sidecar.runtime.placement import Room
from sidecar.runtime.resident import NO_WISH, Clock, Replica, Resident, Resource, W, Wish

Change = Literal["loading", "loaded", "failed", "crashed", "unloaded", "evicted"]


class Limits(Struct, frozen=True):
    """`memory` in bytes for all models together, `keep_alive` in seconds."""

    models: int
    memory: int
    queue: int
    sequences: int
    keep_alive: float
    round_robin: bool = False


class Residency(Generic[W]):
    """Owns every worker that holds a model.

    `spawn(version, device)` returns a worker with the model loaded. `needed(version, device)` estimates its bytes.
    `available()` is what the machine has free. `relieve()` gives up memory that no model needs, true if there was any.
    `devices(asked, actual, count)` says where `count` replicas go once the first has found the `actual` one.
    `report(model, change, message)` hears of everything that changes.
    """

    def __init__(
        self,
        *,
        spawn: Callable[[ModelVersion, str], Awaitable[W]],
        needed: Callable[[ModelVersion, str], int],
        available: Callable[[], Awaitable[int]],
        relieve: Callable[[], Awaitable[bool]],
        report: Callable[[str, Change, str | None], None],
        limits: Callable[[], Limits],
        clock: Clock,
        devices: Callable[[str, str, int], list[str]] = lambda asked, actual, count: [asked] * count,
    ) -> None:
        self._spawn = spawn
        self._needed = needed
        self._available = available
        self._relieve = relieve
        self._report = report
        self._limits = limits
        self._clock = clock
        self._spread = devices
        self._residents: dict[str, Resident[W]] = {}
        self._devices: dict[str, asyncio.Lock] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    # ---- what others ask --------------------------------------------------------------------------------------------

    def get(self, model: str) -> Resident[W] | None:
        return self._residents.get(model)

    def residents(self) -> list[Resident[W]]:
        return list(self._residents.values())

    @property
    def queue_depth(self) -> int:
        return sum(resident.queued(self._limits().sequences) for resident in self.residents())

    @contextlib.asynccontextmanager
    async def acquire(self, version: ModelVersion, wish: Wish = NO_WISH) -> AsyncIterator[W]:
        """A worker that holds `version`, loaded if need be; in use, and so never evicted, within the block.

        Raises QueueFull, DoesNotFit, LoadFailed, Conflict (it is busy on another device).
        """
        resident = self._admitted(version, wish)
        self._refuse_beyond_queue(resident)
        with self._waiting(resident):
            await self._ready(resident)
            replica = resident.next_in_turn() if self._limits().round_robin else resident.least_loaded()
            replica.active += 1
        started = self._clock.now()
        try:
            yield replica.worker
        finally:
            replica.active -= 1
            resident.last_used = self._clock.now()
            resident.took(self._clock.now() - started)
            self._rested(resident)

    async def load(self, version: ModelVersion, wish: Wish = NO_WISH) -> Resident[W]:
        """Bring all wanted replicas into memory without using them. Raises as `acquire` does."""
        resident = self._admitted(version, wish)
        with self._waiting(resident):
            for _ in range(resident.wanted + 1):
                if len(resident.live) >= self._target(resident):
                    break
                await self._one_more(resident)
            else:
                raise LoadFailed(model=resident.model, reason="its workers end right after loading.")
        return resident

    async def unload(self, model: str, *, force: bool = False) -> None:
        """Take a model out of memory; nothing happens when it is not there. Raises Conflict while busy, unless forced."""
        resident = self._residents.get(model)
        if resident is None:
            return
        requests = resident.active + resident.waiting
        if requests and not force:
            raise Conflict(f"{model!r} is busy with {requests} requests.", reason="busy")
        self._retire(resident, "unloaded", None)
        await self._closed()

    def replace_version(self, version: ModelVersion) -> None:
        """The options of a model changed: keep-alive and pinning take effect at once, the rest at the next load."""
        if (resident := self._residents.get(version.model)) is not None:
            if version.options.keep_alive != resident.version.options.keep_alive:
                resident.keep_alive = None  # the newer word counts
            resident.version = version
            self._rested(resident)

    def limits_changed(self) -> None:
        """The keep-alive of idle models runs anew, and those who wait for room look again."""
        for resident in self.residents():
            self._rested(resident)
        self._changed.set()

    async def close(self) -> None:
        """End every worker, busy or not."""
        for resident in self.residents():
            self._retire(resident, "unloaded", None)
        await self._closed()

    # ---- the way in -------------------------------------------------------------------------------------------------

    def _admitted(self, version: ModelVersion, wish: Wish) -> Resident[W]:
        """The model's entry, made if there is none, with the wish applied."""
        resident = self._residents.get(version.model)
        if resident is not None and wish.device is not None and not resident.is_on(wish.device):
            if resident.busy:
                raise Conflict(f"{version.model!r} is busy on {resident.device}.", reason="busy on another device")
            self._retire(resident, "unloaded", f"it moves to {wish.device}")
            resident = None
        if resident is None:
            resident = self._entered(version, wish)
        if wish.keep_alive is not None:
            resident.keep_alive = wish.keep_alive
        if wish.num_workers is not None:
            resident.wanted = wish.num_workers
            self._shrink(resident)
        return resident

    def _entered(self, version: ModelVersion, wish: Wish) -> Resident[W]:
        resident = Resident[W](
            version=version,
            device=wish.device or version.options.device,
            wanted=wish.num_workers or version.options.num_workers,
            last_used=self._clock.now(),
        )
        self._residents[version.model] = resident
        return resident

    def _refuse_beyond_queue(self, resident: Resident[W]) -> None:
        limits = self._limits()
        waiting = resident.queued(limits.sequences)
        if waiting >= limits.queue:
            raise QueueFull(model=resident.model, waiting=waiting, retry_after=resident.retry_after(limits.sequences))

    @contextlib.contextmanager
    def _waiting(self, resident: Resident[W]) -> Iterator[None]:
        resident.waiting += 1
        self._stop_timer(resident)
        try:
            yield
        finally:
            resident.waiting -= 1
            resident.last_used = self._clock.now()
            self._abandon_unwanted_load(resident)
            self._rested(resident)

    def _abandon_unwanted_load(self, resident: Resident[W]) -> None:
        """Nobody waits any more for a model that only waits for room itself: nothing is evicted for it."""
        if resident.loading and resident.making_room and not resident.waiting and not resident.live:
            resident.loading.cancel()

    # ---- loading ----------------------------------------------------------------------------------------------------

    async def _ready(self, resident: Resident[W]) -> None:
        """Wait for the first live replica; the further ones come while it works already."""
        for _ in range(2):
            if resident.live:
                self._grow(resident)
                return
            await self._one_more(resident)
        if not resident.live:
            raise LoadFailed(model=resident.model, reason="its worker ends right after loading.")

    async def _one_more(self, resident: Resident[W]) -> None:
        """Wait for the load in progress, which all who want the model share. Raises what it failed with."""
        self._grow(resident)
        if (task := resident.loading) is None:
            return
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()
        elif self._residents.get(resident.model) is not resident:
            raise LoadFailed(model=resident.model, reason="it was unloaded while it was being loaded.")

    def _grow(self, resident: Resident[W]) -> None:
        if resident.loading is None and len(resident.live) < self._target(resident):
            resident.loading = asyncio.create_task(self._load_one(resident), name=f"load {resident.model}")
            resident.loading.add_done_callback(lambda task: self._load_ended(resident, task))

    async def _load_one(self, resident: Resident[W]) -> None:
        async with self._devices.setdefault(_device_key(resident.device), asyncio.Lock()):
            resident.making_room = True
            resident.reserved = await self._make_room(resident)
            resident.making_room = False
            if not resident.live:
                self._report(resident.model, "loading", None)
            worker = await self._spawn(resident.version, self._free_device(resident))
            self._take_in(resident, worker)

    def _target(self, resident: Resident[W]) -> int:
        """How many replicas there can be: as many as wanted, unless the devices are fewer."""
        return len(self._places(resident))

    def _places(self, resident: Resident[W]) -> list[str]:
        actual = resident.live[0].worker.device if resident.live else "auto"
        return self._spread(resident.device, actual, resident.wanted)

    def _free_device(self, resident: Resident[W]) -> str:
        """The first of its places that no replica has; on a processor all have the same name."""
        taken = {replica.worker.device for replica in resident.live}
        places = self._places(resident)
        return next((place for place in places if place not in taken), places[0])

    def _take_in(self, resident: Resident[W], worker: W) -> None:
        replica = Replica(worker)
        resident.reserved = 0
        resident.replicas.append(replica)
        worker.ended.add_done_callback(lambda _: self._lost(resident, replica))
        if len(resident.replicas) == 1:
            self._report(resident.model, "loaded", None)

    def _load_ended(self, resident: Resident[W], task: asyncio.Task[None]) -> None:
        resident.loading, resident.reserved, resident.making_room = None, 0, False
        error = None if task.cancelled() else task.exception()
        if error is not None:
            resident.wanted = max(1, len(resident.live))
            self._report(resident.model, "failed", error.message if isinstance(error, InglenookError) else repr(error))
        elif not task.cancelled():
            self._grow(resident)
        if not resident.live and not resident.loading and (error or not resident.waiting):
            self._forget(resident)
        self._rested(resident)

    def _lost(self, resident: Resident[W], replica: Replica[W]) -> None:
        """A worker ended by itself: its requests know already; here it only goes off the books."""
        if replica not in resident.replicas:
            return
        resident.replicas.remove(replica)
        self._report(resident.model, "crashed", None)
        if not resident.replicas and not resident.busy:
            self._forget(resident)
        self._changed.set()

    def _forget(self, resident: Resident[W]) -> None:
        self._stop_timer(resident)
        if self._residents.get(resident.model) is resident:
            del self._residents[resident.model]

    # ---- making room ------------------------------------------------------------------------------------------------

    async def _make_room(self, resident: Resident[W]) -> int:
        """Evict the idle until one more replica fits, waiting for the busy if need be. Returns the bytes it will need."""
        needed = self._needed(resident.version, resident.device)
        while True:
            await self._closed()
            room, limits = await self._room(), self._limits()
            others = [other for other in self.residents() if other is not resident]
            crowded = eviction.count_in_memory(others) >= limits.models
            if not crowded and needed <= room.free:
                return needed
            eviction.refuse_hopeless(resident.model, needed, room, others, limits.models)
            if needed > room.available and await self._relieve():
                continue
            if (victim := eviction.victim(others)) is not None:
                self._retire(victim, "evicted", f"it made room for {resident.model}")
                continue
            self._changed.clear()
            await self._changed.wait()

    async def _room(self) -> Room:
        for resident in self.residents():
            for replica in resident.live:
                await replica.worker.measure()
        used = sum(resident.memory_bytes for resident in self.residents())
        return Room(limit=self._limits().memory, used=used, available=await self._available())

    # ---- the way out ------------------------------------------------------------------------------------------------

    def _rested(self, resident: Resident[W]) -> None:
        """Something ended: others may have waited for it, and an idle model's time begins to run."""
        self._changed.set()
        self._shrink(resident)
        self._stop_timer(resident)
        if resident.busy or resident.pinned or self._residents.get(resident.model) is not resident:
            return
        seconds = self.keep_alive(resident)
        if seconds == 0:
            self._retire(resident, "unloaded", None)
        elif seconds > 0:
            resident.expires_at = self._clock.now() + seconds
            resident.timer = self._clock.call_later(seconds, lambda: self._retire(resident, "unloaded", None))

    def keep_alive(self, resident: Resident[W]) -> float:
        """Seconds it stays after its last request: what a request asked, else the model's option, else the limit."""
        for seconds in (resident.keep_alive, resident.version.options.keep_alive):
            if seconds is not None:
                return seconds
        return self._limits().keep_alive

    def _stop_timer(self, resident: Resident[W]) -> None:
        if resident.timer is not None:
            resident.timer.cancel()
        resident.timer = resident.expires_at = None

    def _shrink(self, resident: Resident[W]) -> None:
        idle = [replica for replica in resident.replicas if not replica.active]
        surplus = max(0, len(resident.live) - resident.wanted)
        for replica in idle[:surplus]:
            resident.replicas.remove(replica)
            self._close_later(replica.worker)

    def _retire(self, resident: Resident[W], change: Change, message: str | None) -> None:
        """Off the books at once; the processes end in the background, and `_closed` waits for them."""
        self._forget(resident)
        if resident.loading is not None:
            resident.loading.cancel()
            self._closing.add(resident.loading)
            resident.loading.add_done_callback(self._closing.discard)
        replicas, resident.replicas = resident.replicas, []
        for replica in replicas:
            self._close_later(replica.worker)
        self._report(resident.model, change, message)
        self._changed.set()

    def _close_later(self, worker: W) -> None:
        task = asyncio.create_task(_close(worker), name="close worker")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _closed(self) -> None:
        """Wait until the memory of what was taken out is really back."""
        if self._closing:
            await asyncio.wait(set(self._closing))


async def _close(worker: Resource) -> None:
    await worker.close()


def _device_key(device: str) -> str:
    return "cpu" if device in ("auto", "cpu") else device
