"""What encoders and decoders that stand in the library's models have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


def used_up(layers: nn.ModuleList) -> Iterator[Any]:
    """One after another, each taken out, so that what is made of it does not keep its weights in memory twice for long."""
    while layers:
        yield layers.pop(0)


class Norm(nn.Module):  # type: ignore[misc]
    """A layer norm of the library, without its detours for hooks and without looking its weights up each time."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.norm = norm
        self._arguments = (norm.normalized_shape, norm.weight, norm.bias, norm.eps)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return torch.layer_norm(x, *self._arguments)


def added(x: torch.Tensor, norm: Norm, part: Callable[..., torch.Tensor], *, norm_first: bool) -> torch.Tensor:
    """`x` with what a part of a layer makes of it, normalised before the part computes or after."""
    return part(norm(x)).add_(x) if norm_first else norm(part(x).add_(x))


class Words(nn.Module):  # type: ignore[misc]
    """The tables of words and positions of an encoder or decoder of the Bart family."""

    def __init__(self, side: Any) -> None:
        super().__init__()
        self.tokens = side.embed_tokens
        self.positions = side.embed_positions
        self.norm = getattr(side, "layernorm_embedding", None)
        self._scale = getattr(side, "embed_scale", None)  # where the table of words does not scale by itself

    def __call__(self, tokens: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """`tokens` and `positions` have shape (tokens,), the hidden states (tokens, width)."""
        words = self.tokens(tokens)
        x = (words if self._scale is None else words * self._scale) + self._at(positions)
        return x if self.norm is None else self.norm(x)

    def _at(self, positions: torch.Tensor) -> torch.Tensor:
        """M2M100 computes its table, and begins behind the row of the padding; Bart's begins at an offset."""
        table = self.positions
        if hasattr(table, "weights"):
            return table.weights[positions + table.padding_idx + 1]
        return table.weight[positions + getattr(table, "offset", 0)]
