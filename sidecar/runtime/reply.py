"""The answer to one request while it arrives from a worker.

Text that nobody has read yet is merged, so a slow reader costs the length of one answer and never a queue of frames.
"""

from __future__ import annotations

import asyncio
import time

from sidecar.errors import InglenookError, InternalError
from sidecar.runtime.protocol import Outcome


class Reply:
    """Filled by the worker's reader, read by one task. `tokens`: generated so far."""

    def __init__(self) -> None:
        self.tokens = 0
        self.first_token_at: float | None = None
        self._text: list[str] = []
        self._outcome: Outcome | None = None
        self._error: InglenookError | None = None
        self._changed = asyncio.Event()

    @property
    def done(self) -> bool:
        return self._outcome is not None or self._error is not None

    def add(self, text: str, tokens: int) -> None:
        self.tokens = tokens
        if self.first_token_at is None:
            self.first_token_at = time.perf_counter()
        if text and not self.done:
            self._text.append(text)
            self._changed.set()

    def finish(self, outcome: Outcome) -> None:
        if not self.done:
            self._outcome = outcome
            self._changed.set()

    def fail(self, error: InglenookError) -> None:
        """End the answer with `error`; text that arrived before is still read first. Later calls change nothing."""
        if not self.done:
            self._error = error
            self._changed.set()

    async def next_text(self) -> str | None:
        """New text as soon as there is some, None at the end. Raises what ended the answer."""
        while not self._text and not self.done:
            self._changed.clear()
            await self._changed.wait()
        if self._text:
            text = "".join(self._text)
            self._text.clear()
            return text
        if self._error is not None:
            raise self._error
        return None

    async def outcome(self) -> Outcome:
        """Wait for the end, whatever text is unread. Raises what ended the answer."""
        while not self.done:
            self._changed.clear()
            await self._changed.wait()
        if self._error is not None:
            raise self._error
        if self._outcome is None:
            raise InternalError(reason="a reply ended without outcome", request_id="")
        return self._outcome
