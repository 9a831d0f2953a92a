"""Which texts are computed together: batches of similar length that hold at most so many tokens, padding included.

Padding is computed like text, so a batch in order of arrival can be slower than none; sorted by length it is not.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass, field
from typing import Any

SMALL = 32  # tokens; up to this length a row of padding costs less than a batch of its own


@dataclass(order=True)
class Piece:
    """One text of a job. Ordered by length, then by arrival."""

    length: int
    order: int
    job: int = field(compare=False)
    index: int = field(compare=False)
    input: Any = field(compare=False)


class Batcher:
    """Pending texts of all jobs. Jobs take turns in leading a batch, so that a large one does not keep small ones waiting:
    the one that led the last batch comes after all that arrived since."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._pieces: list[Piece] = []
        self._turns: deque[int] = deque()
        self._last: int | None = None  # who led
        self._order = 0

    def __len__(self) -> int:
        return len(self._pieces)

    def shrink(self, batch: list[Piece]) -> None:
        """Make batches of at most half this one's size from now on: memory did not suffice for it."""
        self._budget = min(self._budget, len(batch) * max(piece.length for piece in batch) // 2)

    def add(self, job: int, inputs: list[Any], lengths: list[int]) -> None:
        """Put the texts of a job in line; `lengths` in tokens."""
        self._turns.append(job)
        for index, (item, length) in enumerate(zip(inputs, lengths, strict=True)):
            self._order += 1
            insort(self._pieces, Piece(max(1, length), self._order, job, index, item))

    def remove(self, job: int) -> None:
        """Forget what is left of a job."""
        self._pieces = [piece for piece in self._pieces if piece.job != job]

    def take(self, room: int | None = None) -> list[Piece]:
        """The next batch: the longest text of the job whose turn it is, and texts of all jobs that are about as long.

        `room`: tokens that it may hold, if fewer than the budget; empty where that is too few for the text whose turn it is.
        """
        most = self._budget if room is None else min(room, self._budget)
        start = self._leader()
        if room is not None and self._pieces[start].length > room:
            self._turns.appendleft(self._pieces[start].job)
            self._last = None
            return []
        end = start + 1
        while start and self._fits(start - 1, end, most):
            start -= 1
        while end < len(self._pieces) and self._fits(start, end + 1, most):
            end += 1
        batch = self._pieces[start:end]
        del self._pieces[start:end]
        return batch

    def _fits(self, start: int, end: int, most: int) -> bool:
        """Whether these pieces make a batch: of at most so many tokens, and the shortest is not mostly padding."""
        shortest, width = self._pieces[start].length, self._pieces[end - 1].length
        return (end - start) * width <= most and (width <= SMALL or 2 * shortest >= width)

    def _leader(self) -> int:
        """The position of the longest piece of the next job that has any left."""
        if self._last is not None:
            self._turns.append(self._last)
        while True:
            self._last = self._turns.popleft()
            for position in reversed(range(len(self._pieces))):
                if self._pieces[position].job == self._last:
                    return position
