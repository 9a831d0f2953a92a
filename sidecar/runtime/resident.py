"""The bookkeeping of one model in memory: its replicas, who uses them, how long it stays. No decisions about others."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from sidecar.registry.store import ModelVersion

SMOOTHING = 0.2
MAX_RETRY_AFTER_S = 60


class Resource(Protocol):
    """What residency needs of a worker."""

    memory_bytes: int

    @property
    def ended(self) -> asyncio.Future[Any]: ...
    @property
    def alive(self) -> bool: ...
    @property
    def device(self) -> str: ...

    async def measure(self) -> int: ...
    async def close(self) -> Any: ...


W = TypeVar("W", bound=Resource)


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """Seconds, and a call after some of them."""

    def now(self) -> float: ...
    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer: ...


class LoopClock:
    """The event loop's own clock."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, call)


class Wish(Struct, frozen=True):
    """What one request asks for beyond the model's options; None leaves it as it is. `keep_alive` in seconds."""

    keep_alive: float | None = None
    device: str | None = None
    num_workers: int | None = None


NO_WISH = Wish()


@dataclass(eq=False)
class Replica(Generic[W]):
    worker: W
    active: int = 0


@dataclass(eq=False)
class Resident(Generic[W]):
    """One model that is in memory or on its way there.

    `wanted`: how many replicas there should be. `waiting`: requests that have none yet. `keep_alive`: what a request
    asked for, None while none did. `reserved`: bytes set aside for a replica that is being loaded.
    """

    version: ModelVersion
    device: str
    wanted: int
    last_used: float
    keep_alive: float | None = None
    replicas: list[Replica[W]] = field(default_factory=list)
    waiting: int = 0
    reserved: int = 0
    loading: asyncio.Task[None] | None = None
    making_room: bool = False
    timer: Timer | None = None
    expires_at: float | None = None
    usual_seconds: float = 1.0
    turn: int = -1

    @property
    def model(self) -> str:
        return self.version.model

    @property
    def pinned(self) -> bool:
        return self.version.options.pinned

    @property
    def live(self) -> list[Replica[W]]:
        return [replica for replica in self.replicas if replica.worker.alive]

    @property
    def active(self) -> int:
        return sum(replica.active for replica in self.replicas)

    @property
    def busy(self) -> bool:
        return bool(self.waiting or self.active or self.loading)

    @property
    def memory_bytes(self) -> int:
        """As last measured, with what is set aside for a replica on its way."""
        return self.reserved + sum(replica.worker.memory_bytes for replica in self.replicas)

    def queued(self, max_sequences: int) -> int:
        """Requests that are not computed yet: those without a replica, and those beyond what the replicas step together."""
        return self.waiting + max(0, self.active - max_sequences * max(1, len(self.replicas)))

    def least_loaded(self) -> Replica[W]:
        return min(self.live, key=lambda replica: replica.active)

    def next_in_turn(self) -> Replica[W]:
        self.turn += 1
        return self.live[self.turn % len(self.live)]

    def took(self, seconds: float) -> None:
        """Learn from one finished request how long they usually take."""
        self.usual_seconds += SMOOTHING * (seconds - self.usual_seconds)

    def retry_after(self, max_sequences: int) -> int:
        """Seconds until a place in the queue is likely to be free."""
        at_once = max_sequences * max(1, len(self.replicas))
        return min(MAX_RETRY_AFTER_S, max(1, math.ceil(self.usual_seconds * self.queued(max_sequences) / at_once / 2)))

    def is_on(self, device: str) -> bool:
        """Whether what is loaded satisfies a wish for `device`."""
        actual = {replica.worker.device for replica in self.live} or {self.device}
        return device == "auto" or all(_satisfies(one, device) for one in actual)


def _satisfies(actual: str, wanted: str) -> bool:
    if wanted == "gpu":
        return actual not in ("cpu", "auto")
    return actual == wanted or actual.startswith(wanted + ":")
