"""Which sequences run, their common steps, and what becomes of a sequence that fails.

Sequences join and leave between steps. Knows the engine only as a `Generator`, and nothing of requests: generation and
translation each have a `Decoding` and hear of its progress as its `Audience`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from sidecar.engines.base import Generator
from sidecar.worker.replies import is_out_of_memory, release
from sidecar.worker.sequence import Sequence


class Audience(Protocol):
    """Hears of every sequence's progress."""

    def gained(self, sequence: Sequence, text: str) -> None: ...
    def finished(self, sequence: Sequence) -> None: ...
    def failed(self, sequence: Sequence, error: Exception) -> None: ...


class Decoding:
    """The sequences that wait, those whose prompt is being read and those that run; the latter two at most
    `max_sequences` together."""

    def __init__(
        self, generator: Generator, audience: Audience, max_sequences: int, clock: Callable[[], float]
    ) -> None:
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self._reading: list[Sequence] = []
        self._suspects: deque[Sequence] = deque()  # a common computation failed: each is started alone
        self._generator = generator
        self._audience = audience
        self._max_sequences = max_sequences
        self._clock = clock

    @property
    def busy(self) -> bool:
        return bool(self.waiting or self.active or self._suspects)

    @property
    def active(self) -> int:
        """Sequences taken in: their prompts are being read, or they run."""
        return len(self._reading) + len(self.running)

    def iterate(self) -> None:
        """One iteration: every running sequence gains one token, then prompts are read, of those that wait and fit too."""
        if self.running:
            self._decode()
        self._admit()
        while self._suspects:
            self._start([self._suspects.popleft()])

    def remove(self, request_id: int) -> list[Sequence]:
        """Take a request's sequences out, waiting or running, and return them."""
        everyone = (*self.waiting, *self._suspects, *self._reading, *self.running)
        removed = [sequence for sequence in everyone if sequence.request_id == request_id]
        self.waiting = deque(sequence for sequence in self.waiting if sequence not in removed)
        self._suspects = deque(sequence for sequence in self._suspects if sequence not in removed)
        self._leave([sequence for sequence in (*self._reading, *self.running) if sequence in removed])
        return removed

    def _admit(self) -> None:
        room = self._max_sequences - self.active - len(self._suspects)
        reading, self._reading = self._reading, []
        reading += [self.waiting.popleft() for _ in range(min(room, len(self.waiting)))]
        if reading:
            self._start(reading)

    def _start(self, sequences: list[Sequence]) -> None:
        now = self._clock()
        for sequence in sequences:
            sequence.started = sequence.started or now
        try:
            tokens = self._generator.start(list(sequences))
        except Exception as error:  # noqa: BLE001 - an engine may raise anything; it costs the culprit only
            release(error)
            self._start_failed(sequences, error)
            return
        begun = [(sequence, token) for sequence, token in zip(sequences, tokens, strict=True) if token is not None]
        self._reading += [sequence for sequence, token in zip(sequences, tokens, strict=True) if token is None]
        self.running += [sequence for sequence, _ in begun]
        self._append([sequence for sequence, _ in begun], [token for _, token in begun])

    def _start_failed(self, sequences: list[Sequence], error: Exception) -> None:
        self._generator.drop(list(sequences))
        if len(sequences) == 1:
            self._audience.failed(sequences[0], error)
        else:
            self._suspects.extend(sequences)

    def _decode(self) -> None:
        try:
            tokens = self._generator.step(list(self.running))
        except Exception as error:  # noqa: BLE001 - an engine may raise anything; it costs the culprit only
            release(error)
            self._decode_failed(error)
            return
        self._append(list(self.running), tokens)

    def _decode_failed(self, error: Exception) -> None:
        """Each sequence is computed anew and alone, so that the culprit shows. Where memory was short, half of them wait."""
        sequences, self.running = self.running, []
        self._generator.drop(list(sequences))
        if is_out_of_memory(error) and len(sequences) > 1:
            self._max_sequences = len(sequences) // 2
            self.waiting.extendleft(reversed(sequences[self._max_sequences :]))
            sequences = sequences[: self._max_sequences]
        self._suspects.extend(sequences)

    def _append(self, sequences: list[Sequence], tokens: list[int]) -> None:
        now = self._clock()
        for sequence, token in zip(sequences, tokens, strict=True):
            sequence.first_token = sequence.first_token or now
            self._audience.gained(sequence, sequence.append(token))
        finished = [sequence for sequence in sequences if sequence.finish_reason]
        self._leave(finished)
        for sequence in finished:
            self._audience.finished(sequence)

    def _leave(self, sequences: list[Sequence]) -> None:
        if sequences:
            self.running = [sequence for sequence in self.running if sequence not in sequences]
            self._reading = [sequence for sequence in self._reading if sequence not in sequences]
            self._generator.drop(list(sequences))
