"""Sends answers up in pieces that come no quicker than anybody reads, and together: at most twenty-five a second of each,
and where more than four run, at most a hundred of all, down to eight of each.

The first piece goes at once, the last with the end; a crash loses what waited, an eighth of a second or one step. A
piece costs the service half a millisecond of processor time, in two processes, and its reader something too, whether it
is one token or five: time that the next token would have to wait for. Eight answers of a small GGUF model on two cores, with
a piece of each every second step: a step took 2.7 % longer than in the library's own server; every third, 2.4 % less. A model
that schedules itself tells what one step gave to eight answers one by one; the service is woken for all of them once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sidecar.runtime.protocol import Delta, Failed, Finished, Step, Up

PIECE_EVERY_S = 0.04
PIECE_OF_ALL_EVERY_S = 0.01
SLOWEST_PIECE_S = 0.125
STRAGGLER_S = 0.01  # nobody's piece waits for another answer that gains nothing


def piece_every_s(answers: int) -> float:
    """Seconds between two pieces of an answer where so many run."""
    return min(max(PIECE_EVERY_S, PIECE_OF_ALL_EVERY_S * answers), SLOWEST_PIECE_S)


@dataclass
class Held:
    """What an answer gained and did not send yet."""

    delta: Delta
    since: float

    def gain(self, delta: Delta) -> None:
        self.delta = Delta(delta.id, self.delta.text + delta.text, delta.tokens)


class Pacing:
    """Holds back new text until its answer is due another piece. `send` may be called from any thread."""

    def __init__(self, send: Callable[[list[Up]], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._held: dict[int, Held] = {}
        self._last: dict[int, float] = {}  # when an answer's last piece with text went up
        self._sending = threading.Lock()

    def send(self, frames: list[Up]) -> None:
        """Send what is due: of `frames` all but young text, and text held back before. Raises OSError when the parent is gone."""
        with self._sending:
            up: list[Up] = []
            for frame in frames:
                if isinstance(frame, Step):
                    self._hold(frame.deltas)
                    continue
                if isinstance(frame, Finished | Failed):
                    up += self._ended(frame.id)
                up.append(frame)
            up += self._due()
            if up:
                self._send(up)

    def _hold(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            if held := self._held.get(delta.id):
                held.gain(delta)
            else:
                self._held[delta.id] = Held(delta, self._clock())

    def _ended(self, request_id: int) -> list[Up]:
        self._last.pop(request_id, None)
        last = self._held.pop(request_id, None)
        return [Step([last.delta])] if last else []

    def _due(self) -> list[Up]:
        now = self._clock()
        together = self._last.keys() <= self._held.keys()
        every = piece_every_s(len(self._last))
        due = [one for one, held in self._held.items() if self._is_due(one, held, now, every, together)]
        deltas = [self._held.pop(one).delta for one in due]
        self._last |= {delta.id: now for delta in deltas if delta.text}
        return [Step(deltas)] if deltas else []

    def _is_due(self, request_id: int, held: Held, now: float, every: float, together: bool) -> bool:
        last = self._last.get(request_id)
        if last is None:
            return True
        return now - last >= every and (together or now - held.since >= STRAGGLER_S)
