"""Keys and values of what was computed: of one sequence while it is prefilled or kept, of a batch while it is stepped.

Rows of a batch fill places 0 to n-1 without a hole, so that a step reads one slice and copies nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

BLOCK = 256  # tokens by which room grows


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
    """Several sequences: `keys` and `values` of shape (layers, rows, heads, room, size); `lengths[i]` columns of row i count."""

    def __init__(self, shape: Shape) -> None:
        self.lengths: list[int] = []
        self._shape = shape
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

    def reserve(self, rows: int, columns: int) -> None:
        """Make room, in powers of two of rows and blocks of columns."""
        if rows <= self.keys.shape[1] and columns <= self.room:
            return
        rows = max(self.keys.shape[1], 1 << (rows - 1).bit_length())
        room = max(self.room, -(-columns // BLOCK) * BLOCK)
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
