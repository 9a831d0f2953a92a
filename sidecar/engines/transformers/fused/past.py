"""Keys and values of what was computed: of one sequence while it is prefilled or kept, of a batch while it is stepped.

Rows of a batch fill places 0 to n-1 without a hole, so that a step reads one slice and copies nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

BLOCK = 256  # tokens by which room grows where conversations grow

# What queries see in a layer, by its index: with keys and values of the same tokens, which are taken in first, or without.
Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Look = Callable[[int, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Shape:
    """Of one token's keys (or values) in one model."""

    layers: int
    heads: int
    size: int

    @property
    def token_bytes(self) -> int:
        """Keys and values of one token, float32."""
        return 2 * 4 * self.layers * self.heads * self.size


class Past:
    """One sequence: `keys` and `values` of shape (layers, heads, room, size), the first `length` columns filled."""

    def __init__(self, shape: Shape, room: int) -> None:
        self.length = 0
        self.keys = torch.empty(shape.layers, shape.heads, room, shape.size)
        self.values = torch.empty_like(self.keys)

    def take(self, other: Past, length: int) -> None:
        """Begin with the first `length` columns of another sequence."""
        self.keys[:, :, :length] = other.keys[:, :, :length]
        self.values[:, :, :length] = other.values[:, :, :length]
        self.length = length


class BatchPast:
    """Several sequences: `keys` and `values` of shape (layers, rows, heads, room, size); `lengths[i]` columns of row i count.

    `block`: the tokens by which room grows.
    """

    def __init__(self, shape: Shape, block: int = BLOCK) -> None:
        self.lengths: list[int] = []
        self._shape = shape
        self._block = block
        self.keys, self.values = self._nothing()

    @property
    def room(self) -> int:
        return int(self.keys.shape[3])

    def join(self, past: Past) -> None:
        """A prefilled sequence becomes the last row."""
        row = len(self.lengths)
        self.reserve(row + 1, past.length + 1)
        self.keys[:, row, :, : past.length] = past.keys[:, :, : past.length]
        self.values[:, row, :, : past.length] = past.values[:, :, : past.length]
        self.lengths.append(past.length)

    def fill(self, layers: list[tuple[torch.Tensor, torch.Tensor]], lengths: list[int]) -> None:
        """Begin with rows of so many columns; keys and values of each layer have shape (rows, heads, columns, size)."""
        self.reserve(len(lengths), max(lengths))
        for index, (keys, values) in enumerate(layers):
            self.keys[index, : len(lengths), :, : keys.shape[2]] = keys
            self.values[index, : len(lengths), :, : keys.shape[2]] = values
        self.lengths = list(lengths)

    def reserve_for(self, other: BatchPast) -> None:
        """Make room for the rows of another batch, so that `join_all` needs no more memory."""
        if self.lengths:
            self.reserve(len(self.lengths) + len(other.lengths), max(other.lengths))

    def join_all(self, other: BatchPast) -> None:
        """The rows of another batch, which is used up, become the last ones. Only after `reserve_for`."""
        if not self.lengths:
            self.keys, self.values, self.lengths = other.keys, other.values, other.lengths
            return
        used, rows, columns = len(self.lengths), len(other.lengths), max(other.lengths)
        self.keys[:, used : used + rows, :, :columns] = other.keys[:, :rows, :, :columns]
        self.values[:, used : used + rows, :, :columns] = other.values[:, :rows, :, :columns]
        self.lengths += other.lengths

    def leave(self, row: int) -> None:
        """Forget a row; the last one takes its place."""
        last = len(self.lengths) - 1
        length = self.lengths.pop()
        if row != last:
            self.keys[:, row, :, :length] = self.keys[:, last, :, :length]
            self.values[:, row, :, :length] = self.values[:, last, :, :length]
            self.lengths[row] = length
        if not self.lengths:
            self.keys, self.values = self._nothing()  # gives the memory back

    def copy_of(self, row: int) -> Past:
        """A row as a sequence of its own, without spare room."""
        length = self.lengths[row]
        past = Past(self._shape, length)
        past.keys.copy_(self.keys[:, row, :, :length])
        past.values.copy_(self.values[:, row, :, :length])
        past.length = length
        return past

    def attending(self) -> Attend:
        """Makes room for one more token of each row, whose q, k and v have shape (rows, heads, size). They count once
        `advance` is called, when all layers are through."""
        rows, highest = len(self.lengths), max(self.lengths)
        self.reserve(rows, highest + 1)
        newest: tuple[Any, Any, Any] = (slice(rows), slice(None), highest)  # where the cache takes the tokens in
        if min(self.lengths) != highest:  # a place of its own for each row, which is slower
            newest = (torch.arange(rows), slice(None), torch.tensor(self.lengths))
        look = self._looking([length + 1 for length in self.lengths])

        def attend(index: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
            self.keys[index][newest] = k
            self.values[index][newest] = v
            return look(index, q)

        return attend

    def looking(self) -> Look:
        """For one query of each row, shape (rows, heads, size), among the row's columns."""
        return self._looking(self.lengths)

    def _looking(self, lengths: list[int]) -> Look:
        rows, columns = len(lengths), max(lengths)
        seen: torch.Tensor | None = None
        if min(lengths) != columns:
            seen = (torch.arange(columns) < torch.tensor(lengths)[:, None])[:, None, None]

        def look(index: int, q: torch.Tensor) -> torch.Tensor:
            keys, values = self.keys[index, :rows, :, :columns], self.values[index, :rows, :, :columns]
            # Query heads that share keys stand where several queries of one head would: nothing is repeated.
            shared = q.reshape(rows, keys.shape[1], -1, q.shape[-1])
            return functional.scaled_dot_product_attention(shared, keys, values, attn_mask=seen)

        return look

    def advance(self) -> None:
        """The tokens that the last `attending` took in count."""
        self.lengths = [length + 1 for length in self.lengths]

    def reserve(self, rows: int, columns: int) -> None:
        """Make room, in powers of two of rows and blocks of columns."""
        if rows <= self.keys.shape[1] and columns <= self.room:
            return
        rows = max(self.keys.shape[1], 1 << (rows - 1).bit_length())
        room = max(self.room, -(-columns // self._block) * self._block)
        self.keys, self.values = (self._grown(old, rows, room) for old in (self.keys, self.values))

    def _nothing(self) -> tuple[torch.Tensor, torch.Tensor]:
        empty = torch.empty(self._shape.layers, 0, self._shape.heads, 0, self._shape.size)
        return empty, empty.clone()

    def _grown(self, old: torch.Tensor, rows: int, room: int) -> torch.Tensor:
        # Zeros, because a short row reads what stands beside a long one: nothing times nonsense is nonsense.
        new = old.new_zeros(self._shape.layers, rows, self._shape.heads, room, self._shape.size)
        used = len(self.lengths)
        new[:, :used, :, : self.room] = old[:, :used]
        return new
