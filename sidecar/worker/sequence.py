"""One answer while it is generated: its tokens, its text as it becomes certain, and why it ends.

Text leaves a sequence only when it can no longer change: never half a character, never part of a stop string. Knows
neither engine nor channel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sidecar.engines.base import Prompt
from sidecar.types import FinishReason

REPLACEMENT = "\ufffd"  # what decoders put where bytes of a character are missing


@dataclass
class Detokenizer:
    """Turns growing tokens into text piece by piece; the pieces together are the decoding of all tokens.

    Decoders look at neighbours (a leading space, bytes of one character), so each piece is the difference between
    decoding a short window with and without the new tokens.
    """

    decode: Callable[[list[int]], str]
    tokens: list[int] = field(default_factory=list)
    _window: int = 0
    _emitted: int = 0

    def append(self, token: int) -> str:
        """The text that became certain; empty while a character is incomplete."""
        self.tokens.append(token)
        text = self._pending()
        if not text or text.endswith(REPLACEMENT):
            return ""
        self._window, self._emitted = self._emitted, len(self.tokens)
        return text

    def flush(self) -> str:
        """What is left at the end, without a last character that never became whole."""
        text = self._pending().rstrip(REPLACEMENT)
        self._window = self._emitted = len(self.tokens)
        return text

    def _pending(self) -> str:
        before = self.decode(self.tokens[self._window : self._emitted])
        return self.decode(self.tokens[self._window :])[len(before) :]


@dataclass
class WholeText:
    """Gives all text at the end: for answers nobody reads while they grow, decoded exactly as the tokenizer does."""

    decode: Callable[[list[int]], str]
    tokens: list[int] = field(default_factory=list)

    def append(self, token: int) -> str:
        self.tokens.append(token)
        return ""

    def flush(self) -> str:
        return self.decode(self.tokens)


@dataclass
class StopStrings:
    """Holds back text that may be the beginning of a stop string."""

    stops: list[str]
    _held: str = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """The text that may be shown, and whether a stop string was completed. That string and what follows is dropped."""
        text = self._held + text
        matches = [(at + len(stop), at) for stop in self.stops if (at := text.find(stop)) >= 0]
        if matches:
            self._held = ""
            return text[: min(matches)[1]], True
        keep = max((_overlap(text, stop) for stop in self.stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], False

    def flush(self) -> str:
        """What was held back for a stop string that did not come."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of `text` that are a beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)


class Sequence:
    """A prompt and its growing answer. `key` is unique in the worker; times are those of the scheduler's clock, in seconds.

    With `whole`, all text comes with the last token.
    """

    def __init__(self, key: int, request_id: int, prompt: Prompt, received: float, *, whole: bool = False) -> None:
        self.key = key
        self.request_id = request_id
        self.prompt = prompt
        self.received = received
        self.started: float | None = None
        self.first_token: float | None = None
        self.generated: list[int] = []
        self.cached_tokens = 0
        self.padding = 0
        self.finish_reason: FinishReason | None = None
        self._detokenizer = WholeText(prompt.decode) if whole else Detokenizer(prompt.decode)
        self._stops = StopStrings(prompt.stop)

    def append(self, token: int) -> str:
        """Take the next token; the text that became certain. Sets `finish_reason` when it was the last."""
        self.generated.append(token)
        if token in self.prompt.end_ids:
            return self._end("stop")
        text, stopped = self._stops.feed(self._detokenizer.append(token))
        if stopped:
            self.finish_reason = "stop"
            return text
        return text + self._end("length") if len(self.generated) >= self.prompt.limit else text

    def cancel(self) -> None:
        self.finish_reason = "cancelled"

    def _end(self, reason: FinishReason) -> str:
        text, stopped = self._stops.feed(self._detokenizer.flush())
        self.finish_reason = "stop" if stopped else reason
        return text if stopped else text + self._stops.flush()
