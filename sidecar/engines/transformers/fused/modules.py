"""What encoders and decoders that stand in the library's models have in common."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def exact_on_processor(model: Any) -> bool:
    """Whether a library model is held in float32 and computed by the processor."""
    return bool(model.device.type == "cpu" and model.dtype == torch.float32)


def joined(*products: Any) -> nn.Linear:
    """One product for those that share their input."""
    weight, bias = (torch.cat([getattr(product, name) for product in products]) for name in ("weight", "bias"))
    one = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    one.weight, one.bias = nn.Parameter(weight, requires_grad=False), nn.Parameter(bias, requires_grad=False)
    return one


def layer_normed(x: torch.Tensor, norm: nn.LayerNorm) -> torch.Tensor:
    """Without the library's detours for hooks."""
    return torch.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
