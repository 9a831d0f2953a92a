"""One forward pass of a Llama-like decoder: norm, attention with rotary positions, norm, gated feed-forward, per layer.

Queries, keys and values are one product, gate and up another. Works on float32 activations. The formulas are those of the
library's `modeling_llama`, to which the tests compare every token; this module must not know how weights are loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import torch
from torch.nn import functional

from sidecar.engines.transformers.fused.linear import Linear
from sidecar.engines.transformers.fused.past import Attend, BatchPast, Past, Shape


@dataclass(frozen=True)
class Sizes:
    """What all layers share. `heads` are those of the queries."""

    heads: int
    shape: Shape
    epsilon: float


@dataclass(frozen=True)
class Layer:
    """The weights of one layer. The norms of queries and keys are those that some families apply per head."""

    attention_norm: torch.Tensor
    attention_in: Linear
    attention_out: Linear
    feed_norm: torch.Tensor
    feed_in: Linear
    feed_out: Linear
    query_norm: torch.Tensor | None = None
    key_norm: torch.Tensor | None = None


class Rotary:
    """Cosines and sines of positions. `table(length)` computes them, each of shape (length, size)."""

    STEP = 2048

    def __init__(self, table: Callable[[int], tuple[torch.Tensor, torch.Tensor]]) -> None:
        self._table = table
        self._cosines, self._sines = table(0)

    def __call__(self, positions: torch.Tensor, highest: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Of each position, shape (positions, 1, size); the first half of the sines is negated, for `rotated`."""
        if highest >= len(self._cosines):
            self._cosines, sines = self._table(-(-(highest + 1) // self.STEP) * self.STEP)
            half = sines.shape[-1] // 2
            self._sines = torch.cat([-sines[:, :half], sines[:, half:]], dim=-1)
        return self._cosines[positions][:, None], self._sines[positions][:, None]


def rotated(x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """`x` of shape (rows, heads, size), turned by its position: x·cos + (−x₂, x₁)·sin."""
    return torch.addcmul(x * cosines, x.roll(x.shape[-1] // 2, -1), sines)


def normed(x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """RMS norm along the last axis: what the library's `rms_norm` gives, to the last bit, in a tenth of its time for many rows."""
    return (x * x.square().mean(dim=-1, keepdim=True).add_(epsilon).rsqrt_()).mul_(weight)


def through(
    layer: Layer, index: int, x: torch.Tensor, angles: tuple[torch.Tensor, torch.Tensor], sizes: Sizes, attend: Attend
) -> torch.Tensor:
    """One layer. `x`: shape (rows, width), changed in place and returned; `attend` gets the layer's index and q, k, v."""
    heads, kept = sizes.heads, sizes.shape.heads
    mixed = layer.attention_in(normed(x, layer.attention_norm, sizes.epsilon))
    mixed = mixed.view(len(x), heads + 2 * kept, sizes.shape.size)
    turned = rotated(_heads_normed(layer, mixed[:, : heads + kept], sizes), *angles)
    seen = attend(index, turned[:, :heads], turned[:, heads:], mixed[:, heads + kept :])
    x += layer.attention_out(seen.reshape(len(x), -1))
    gate, up = layer.feed_in(normed(x, layer.feed_norm, sizes.epsilon)).chunk(2, dim=-1)
    x += layer.feed_out(functional.silu(gate).mul_(up))
    return x


def _heads_normed(layer: Layer, mixed: torch.Tensor, sizes: Sizes) -> torch.Tensor:
    if layer.query_norm is None or layer.key_norm is None:
        return mixed
    queries = normed(mixed[:, : sizes.heads], layer.query_norm, sizes.epsilon)
    keys = normed(mixed[:, sizes.heads :], layer.key_norm, sizes.epsilon)
    return torch.cat([queries, keys], dim=1)


@dataclass(frozen=True)
class Decoder:
    """A model's weights and the two ways to use them: `prefill` many tokens of one row, `step` one token of many."""

    sizes: Sizes
    embedding: torch.Tensor
    layers: list[Layer]
    norm: torch.Tensor
    head: Linear
    rotary: Rotary

    def products(self) -> list[Linear]:
        """All of them, in the order in which they are used."""
        layers = ((layer.attention_in, layer.attention_out, layer.feed_in, layer.feed_out) for layer in self.layers)
        return [*chain.from_iterable(layers), self.head]

    def prefill(self, tokens: list[int], past: Past) -> torch.Tensor:
        """Compute `tokens` after `past`, which grows by them. The hidden state of the last one, shape (1, width)."""
        start, end = past.length, past.length + len(tokens)

        def attend(index: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            past.keys[index, :, start:end] = k.transpose(0, 1)
            past.values[index, :, start:end] = v.transpose(0, 1)
            return _causal(q, past.keys[index, :, :end], past.values[index, :, :end])

        x = self._through_all(tokens, torch.arange(start, end), end - 1, attend)
        past.length = end
        return x[-1:]

    def step(self, tokens: list[int], batch: BatchPast) -> torch.Tensor:
        """Compute one token of each row, shape of the hidden states (rows, width). The batch grows by one column."""
        positions, highest = torch.tensor(batch.lengths), max(batch.lengths)
        x = self._through_all(tokens, positions, highest, batch.attending())
        batch.advance()
        return x

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Of every word of the vocabulary, shape (rows, vocabulary), from hidden states."""
        return self.head(normed(x, self.norm, self.sizes.epsilon))

    def _through_all(self, tokens: list[int], positions: torch.Tensor, highest: int, attend: Attend) -> torch.Tensor:
        x = self.embedding[torch.tensor(tokens)].float()
        angles = self.rotary(positions, highest)
        for index, layer in enumerate(self.layers):
            x = through(layer, index, x, angles, self.sizes, attend)
        return x


def _causal(q: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """`q`: shape (tokens, heads, size), the last tokens of those in `keys` and `values`, shape (heads, columns, size)."""
    tokens, columns = len(q), keys.shape[1]
    mask = None
    if tokens < columns:
        mask = torch.arange(columns) <= torch.arange(columns - tokens, columns)[:, None]
    seen = functional.scaled_dot_product_attention(
        q.transpose(0, 1)[None], keys[None], values[None], attn_mask=mask, is_causal=mask is None, enable_gqa=True
    )
    return seen[0].transpose(0, 1)
