"""The library's messages, as far as they are read: one per token or step of a prompt, in OpenAI's shape with its extras."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from sidecar import decoding
from sidecar.engines.llamacpp.side_door import refusal
from sidecar.types import TokenLogprob


class Candidate(Struct):
    id: int
    token: str
    logprob: float = 0.0
    prob: float = 0.0
    top_logprobs: list[Candidate] = []
    top_probs: list[Candidate] = []


class Probabilities(Struct):
    content: list[Candidate] = []


class Function(Struct):
    name: str | None = None
    arguments: str | None = None


class CallPart(Struct):
    """A piece of a tool call: the name first, then its arguments bit by bit."""

    index: int = 0
    id: str | None = None
    function: Function = msgspec.field(default_factory=Function)


class Said(Struct):
    content: str | None = None
    tool_calls: list[CallPart] | None = None


class Choice(Struct):
    text: str = ""
    delta: Said = msgspec.field(default_factory=Said)
    logprobs: Probabilities | None = None
    finish_reason: str | None = None


class Timings(Struct):
    """Tokens and milliseconds so far: taken from the cache, of the prompt, of the answer."""

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0


class Chunk(Struct):
    choices: list[Choice] = []
    timings: Timings | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(Chunk)


def read(message: bytes) -> Chunk:
    """Raises InvalidRequest or InferenceFailed where the message is an error."""
    chunk = _decoder.decode(message)
    if chunk.error is not None:
        raise refusal({"error": chunk.error})
    return chunk


def logprobs(choice: Choice, others: int) -> list[TokenLogprob]:
    """What a message says of its tokens, with at most so many others in their place."""
    found = choice.logprobs.content if choice.logprobs else []
    return [
        TokenLogprob(one.token, one.logprob, {other.token: other.logprob for other in one.top_logprobs[:others]})
        for one in found
    ]


def likeliest(completion: dict[str, Any]) -> list[Candidate]:
    """The likeliest first tokens that an answer of the side door tells; none where it has no probabilities."""
    told = decoding.convert(completion.get("completion_probabilities", []), list[Candidate])
    return told[0].top_probs if told else []
