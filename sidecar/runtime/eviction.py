"""Which model goes when another needs room, and whether waiting can help at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.errors import DoesNotFit
from sidecar.runtime.placement import Room, does_not_fit
from sidecar.runtime.resident import Resident, W


def count_in_memory(residents: Sequence[Resident[W]]) -> int:
    """Those that hold memory or have some set aside; one that only waits for room does not count."""
    return sum(1 for resident in residents if resident.replicas or resident.reserved)


def victim(residents: Sequence[Resident[W]]) -> Resident[W] | None:
    """The least recently used of those that are idle and not pinned."""
    idle = [resident for resident in residents if not resident.busy and not resident.pinned]
    return min(idle, key=lambda resident: resident.last_used, default=None)


def refuse_hopeless(model: str, needed: int, room: Room, others: Sequence[Resident[W]], most_models: int) -> None:
    """Raises DoesNotFit when not even the end of everything that can be evicted, the busy included, would make room."""
    pinned = [other.model for other in others if other.pinned]
    if len(pinned) >= most_models:
        raise DoesNotFit(
            f"{model!r} was not loaded: max_loaded_models is {most_models} and as many models are pinned"
            f" ({', '.join(pinned)}). Unpin one or raise the limit.",
            pinned=pinned,
        )
    freeable = sum(other.memory_bytes for other in others if not other.pinned)
    best = Room(room.limit, room.used - freeable, room.available + freeable)
    if needed > best.free:
        raise does_not_fit(model, needed, best, f"pinned: {', '.join(pinned)}" if pinned else "")
