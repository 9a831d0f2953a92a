"""Token lists of different lengths as one tensor per model input."""

from __future__ import annotations

import torch

from sidecar.engines.text_inputs import Inputs


def stack(rows: list[Inputs], pad_id: int, device: torch.device, at_least: int = 0) -> dict[str, torch.Tensor]:
    """Right-padded tensors, shape (rows, longest), or (rows, at_least) where that is more."""
    width = max(at_least, *(len(row["input_ids"]) for row in rows))
    fill = {"input_ids": pad_id}
    return {
        name: torch.tensor([row[name] + [fill.get(name, 0)] * (width - len(row[name])) for row in rows], device=device)
        for name in rows[0]
    }
