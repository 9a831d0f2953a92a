"""Which texts are computed together: batches of similar length that hold at most so many tokens, padding included.

Padding is computed like text, so a batch in order of arrival can be slower than none; sorted by length it is not.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(order=True)
class Piece:
    """One text of a job. Ordered by length, then by arrival."""

    length: int
    order: int
    job: int = field(compare=False)
    index: int = field(compare=False)
    input: Any = field(compare=False)


class Batcher:
    """Pending texts of all jobs. Jobs take turns in leading a batch, so that a large one does not keep small ones waiting."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._pieces: list[Piece] = []
        self._turns: deque[int] = deque()
        self._order = 0

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, job: int, inputs: list[Any], lengths: list[int]) -> None:
        """Put the texts of a job in line; `lengths` in tokens."""
        self._turns.append(job)
        for index, (item, length) in enumerate(zip(inputs, lengths, strict=True)):
            self._order += 1
            insort(self._pieces, Piece(length, self._order, job, index, item))

    def remove(self, job: int) -> None:
        """Forget what is left of a job."""
        self._pieces = [piece for piece in self._pieces if piece.job != job]

    def take(self) -> list[Piece]:
        """The next batch: the longest text of the job whose turn it is, filled up with the next shorter ones of all jobs."""
        end = self._leader()
        width = max(1, self._pieces[end - 1].length)
        start = max(0, end - max(1, self._budget // width))
        batch = self._pieces[start:end]
        del self._pieces[start:end]
        return batch

    def _leader(self) -> int:
        """The position after the longest piece of the next job that has any left."""
        while True:
            job = self._turns.popleft()
            for position in range(len(self._pieces), 0, -1):
                if self._pieces[position - 1].job == job:
                    self._turns.append(job)
                    return position
