"""Whether a model's layers are put on several GPUs: only where one has no room for it. Pure, but for `cards`, which asks the
library."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sidecar.engines.transformers.device import gpus_of
from sidecar.errors import LoadFailed

MB = 1 << 20
WORKSPACE = 1.15  # of the weights: what computing takes beside them, on the card that has most to do
KEPT_FREE = 0.1  # of each card: for keys and values, which grow with the answers


@dataclass(frozen=True)
class Card:
    """`free` bytes of the GPU with that number."""

    index: int
    free: int


def cards(asked: str, device: torch.device) -> list[Card]:
    """Those among which a model may be spread: none where the processor or one card was asked for."""
    if asked not in ("auto", "gpu", device.type) or (library := gpus_of(device.type)) is None:
        return []
    return [Card(index, library.mem_get_info(index)[0]) for index in range(library.device_count())]


def spread(model: str, weights: int, found: list[Card]) -> dict[int, int] | None:
    """Bytes of `weights` that each card may take, by its number; None where one card is enough, or all there is.
    Raises LoadFailed where all of them together are not."""
    needed = int(weights * WORKSPACE)
    if len(found) < 2 or needed <= found[0].free:
        return None
    room = {card.index: int(card.free * (1 - KEPT_FREE)) for card in found}
    if needed > sum(room.values()):
        raise LoadFailed(
            model=model,
            reason=f"it needs about {needed // MB} MB, and its {len(found)} GPUs have {sum(room.values()) // MB} MB for it"
            " together. Set its device to cpu, or take a smaller or rounded variant.",
        )
    return room
