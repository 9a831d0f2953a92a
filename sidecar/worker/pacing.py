"""Sends answers up in pieces that come no quicker than anybody reads: at most forty a second of each.

The first piece goes at once, the last with the end; a crash loses what waited, a fortieth of a second. A piece costs the
service half a millisecond of processor time, in two processes, and its reader something too, whether it is one token or
three: time that the next token would have to wait for.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from sidecar.runtime.protocol import Delta, Failed, Finished, Step, Up

PIECE_EVERY_S = 0.025


class Pacing:
    """Holds back new text until its answer is due another piece. `send` may be called from any thread."""

    def __init__(self, send: Callable[[list[Up]], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._held: dict[int, Delta] = {}
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
            before = self._held.get(delta.id)
            self._held[delta.id] = Delta(delta.id, before.text + delta.text, delta.tokens) if before else delta

    def _ended(self, request_id: int) -> list[Up]:
        self._last.pop(request_id, None)
        last = self._held.pop(request_id, None)
        return [Step([last])] if last else []

    def _due(self) -> list[Up]:
        now = self._clock()
        due = [self._held.pop(one) for one in list(self._held) if now - self._last.get(one, -math.inf) >= PIECE_EVERY_S]
        self._last |= {delta.id: now for delta in due if delta.text}
        return [Step(due)] if due else []
