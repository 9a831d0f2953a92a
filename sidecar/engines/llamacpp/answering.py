"""One request at the library: what it is asked, and what its messages come to. Runs on a thread of the slots.

Every token is a message. Messages that follow each other quickly are read together: what one needs of Python then is in the
processor's cache for the next, instead of a tenth of a millisecond each time, for which the computing threads would wait.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import xllamacpp

from sidecar.engines.base import News, Working
from sidecar.engines.llamacpp import chunks
from sidecar.engines.llamacpp.chunks import CallPart, Choice, Chunk, Timings
from sidecar.engines.llamacpp.prompts import Question
from sidecar.engines.llamacpp.schemas import Schemas
from sidecar.engines.llamacpp.seeing import signs_of_life
from sidecar.errors import InferenceFailed
from sidecar.runtime.protocol import Delta, Finished, Generated
from sidecar.types import FinishReason, TokenLogprob, ToolCall

READ_EVERY_S = 0.02  # half the time between pieces of text (worker/pacing.py), so that each of those finds something
REPLACEMENT = "\ufffd"  # what the library puts where bytes of a character are missing


class Job(Protocol):
    """A request that occupies a slot. `cells`: the most tokens that it may come to hold."""

    id: int
    cancelled: bool

    @property
    def cells(self) -> int: ...
    def run(self, server: xllamacpp.Server, tell: Callable[[News], None]) -> Finished: ...


@dataclass
class Answering:
    """A generation. `logprobs` is how many other tokens were asked for, None without any."""

    id: int
    question: Question
    schemas: Schemas
    logprobs: int | None = None
    cancelled: bool = False
    received: float = field(default_factory=time.monotonic)
    _finish: str | None = None
    _timings: Timings = field(default_factory=Timings)
    _calls: dict[int, ToolCall] = field(default_factory=dict)
    _logprobs: list[TokenLogprob] = field(default_factory=list)
    _fault: Exception | None = None
    _held: str = ""  # what stands for an incomplete character, in case it is the last
    _unread: list[bytes] = field(default_factory=list)
    _next_read: float = 0.0

    @property
    def cells(self) -> int:
        return self.question.prompt_tokens + self.question.limit

    def run(self, server: xllamacpp.Server, tell: Callable[[News], None]) -> Finished:
        """Ask, and tell every piece; blocks to the end. Raises what the library or its messages say went wrong."""
        queued = time.monotonic() - self.received
        ask = server.handle_chat_completions if self.question.chat else server.handle_completions
        if (schema := self.question.body.get("json_schema")) is not None:
            self.schemas.check(server, schema)
        if not self.cancelled:
            self._ask(ask, tell)
            self._read(tell)
        if self._fault is not None:
            raise self._fault
        return Finished(self.id, self._outcome(1000 * queued))

    def _ask(self, ask: Callable[[bytes, Callable[[bytes], bool]], object], tell: Callable[[News], None]) -> None:
        body = json.dumps(self.question.body).encode()
        if not self.question.images:
            ask(body, lambda message: self._take(message, tell))
            return
        with signs_of_life(self.id, tell) as heard:
            ask(body, lambda message: (heard(), self._take(message, tell))[1])

    def _take(self, message: bytes, tell: Callable[[News], None]) -> bool:
        """One message. True ends the request: its slot is free before the next step."""
        if not self.cancelled and self._fault is None:
            self._unread.append(message)
            try:
                if time.monotonic() >= self._next_read:
                    self._read(tell)
            except Exception as error:  # noqa: BLE001 - the library's thread must not see it; it ends this request
                self._fault = error
        return self.cancelled or self._fault is not None

    def _read(self, tell: Callable[[News], None]) -> None:
        """What came since the last time. The first text is told at once, and so is what shows that a prompt is being read.

        Raises what a message says went wrong, once what came before it was told.
        """
        messages, self._unread = self._unread, []
        known, text = self._timings.predicted_n, ""
        try:
            for message in messages:
                text += self._follow(chunks.read(message))
        finally:
            certain = self._certain(text)
            if certain or self._timings.predicted_n > known:
                tell(Delta(self.id, certain, self._timings.predicted_n))
                self._next_read = time.monotonic() + READ_EVERY_S
            else:
                tell(Working(self.id))

    def _follow(self, chunk: Chunk) -> str:
        self._timings = chunk.timings or self._timings
        return "".join(self._text(choice) for choice in chunk.choices)

    def _certain(self, text: str) -> str:
        """A character that never became whole is shown inside a text, but not at its end."""
        text = self._held + text
        certain = text.rstrip(REPLACEMENT)
        self._held = text[len(certain) :]
        return certain

    def _text(self, choice: Choice) -> str:
        self._finish = choice.finish_reason or self._finish
        if self.logprobs is not None:
            self._logprobs += chunks.logprobs(choice, self.logprobs)
        for part in choice.delta.tool_calls or []:
            self._extend(part)
        return choice.text or choice.delta.content or ""

    def _extend(self, part: CallPart) -> None:
        call = self._calls.setdefault(part.index, ToolCall("", ""))
        call.id = part.id or call.id
        call.name += part.function.name or ""
        call.arguments += part.function.arguments or ""

    def _outcome(self, queue_ms: float) -> Generated:
        timings = self._timings
        return Generated(
            finish_reason=self._reason(),
            prompt_tokens=self.question.prompt_tokens,
            completion_tokens=timings.predicted_n,
            queue_ms=queue_ms,
            prefill_ms=timings.prompt_ms,
            decode_ms=timings.predicted_ms,
            warnings=self.question.warnings,
            cached_tokens=timings.cache_n,
            tool_calls=list(self._calls.values()),
            logprobs=self._logprobs,
        )

    def _reason(self) -> FinishReason:
        if self.cancelled:
            return "cancelled"
        match self._finish:
            case "stop" | "length" | "tool_calls" as reason:
                return reason
            case _:
                raise InferenceFailed(reason="llama.cpp ended the answer without saying why")
