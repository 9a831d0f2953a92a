"""What the scheduler asks of an engine: small interfaces, and the plain data that crosses them.

An engine is a module or package of this folder with one function, `load(frame) -> Model`. The scheduler decides what
is computed when; the engine computes. Nothing here imports an engine library, so the scheduler is tested without one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sidecar.engines.threads import SharedCores
from sidecar.runtime.protocol import (
    Calibrate,
    Calibrated,
    Classified,
    Classify,
    Decide,
    Delta,
    Embed,
    Embedded,
    Finished,
    Generate,
    Generated,
    Load,
    ModelFacts,
    Rerank,
    Reranked,
    Translate,
    Translated,
)
from sidecar.types import Sampling

PULSE_EVERY_S = 0.02

Request = TypeVar("Request", contravariant=True)
Outcome = TypeVar("Outcome", covariant=True)


@dataclass(frozen=True)
class Prompt:
    """A tokenized prompt and all that decides when its answer ends.

    `limit` is how many tokens the answer may have, its end token included. `decode` turns tokens of the answer into
    text without special tokens; it is called with growing and with partial lists.
    """

    token_ids: list[int]
    limit: int
    end_ids: frozenset[int]
    decode: Callable[[list[int]], str]
    sampling: Sampling
    seed: int
    stop: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    extra: Any = None  # what else the engine needs for this prompt, such as a forced first token


class Answer(Protocol):
    """What the engine sees of a running sequence. `generated` are the answer's tokens so far, the last not yet fed.

    The engine sets `cached_tokens`: those of the prompt that it had kept and did not compute again; and adds to `padding`:
    those that it computed beside the prompt's, only to throw them away.
    """

    cached_tokens: int
    padding: int

    @property
    def key(self) -> int: ...
    @property
    def prompt(self) -> Prompt: ...
    @property
    def generated(self) -> list[int]: ...


class Generator(Protocol):
    """Keeps the state (such as the KV cache) of running sequences, known by their `key`, and advances them together.

    `joins`: sequences that are taken in later are computed in one with those that run already.
    """

    @property
    def joins(self) -> bool: ...

    def prepare(self, request: Generate) -> Prompt:
        """Apply the chat template, tokenize, check the context. Raises InglenookError."""

    def start(self, answers: list[Answer]) -> list[int] | list[int | None]:
        """Take in sequences: compute prompt and tokens generated so far, return the next token of each, in order.

        None says that a prompt is long and only a piece of it was computed: the sequence is passed again, in the next
        iteration. A sequence that was dropped may be started again. After an exception none of them counts as taken in.
        """

    def step(self, answers: list[Answer]) -> list[int]:
        """One decode iteration of the sequences given, all of them taken in before: the next token of each.

        After an exception the state of all of them is undefined: the scheduler drops them and starts them again.
        """

    def drop(self, answers: list[Answer]) -> None:
        """Forget sequences; those not known are ignored."""


@dataclass(frozen=True)
class TranslationPlan:
    """A translation request as prompts: a text may be several. `join` makes the answer's texts of all prompts' answers."""

    prompts: list[Prompt]
    join: Callable[[list[str]], list[str]]
    warnings: list[str] = field(default_factory=list)


class Translator(Protocol):
    """Turns texts into prompts for the model's generator."""

    def prepare(self, request: Translate) -> TranslationPlan:
        """The prompts, in order. Raises InglenookError, Unsupported for languages the model does not know."""


@dataclass(frozen=True)
class Encoding:
    """The inputs made from one request. `lengths[i]` is the number of tokens of `inputs[i]`; `cut`: those cut short."""

    inputs: list[Any]
    lengths: list[int]
    warnings: list[str] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    extra: Any = None  # what else the reader needs to make the answer

    @property
    def tokens(self) -> int:
        return sum(self.lengths)


class Reader(Protocol[Request, Outcome]):
    """Reads whole texts in batches: a classifier, an embedder, or a translator that does not step token by token."""

    def encode(self, request: Request) -> Encoding:
        """Tokenize. Raises InglenookError."""

    def forward(self, inputs: list[Any]) -> list[Any]:
        """One batch, which may mix the inputs of several requests: one row of numbers per input, in order."""

    def padding(self, inputs: list[Any]) -> list[int]:
        """Of each input of a batch, how many tokens `forward` computes beside its own, only to throw them away."""

    def outcome(self, request: Request, encoding: Encoding, rows: list[Any]) -> Outcome:
        """The answer to a request from the rows of its inputs, in order."""


@dataclass(frozen=True)
class Broken:
    """A request of a self-scheduling engine ended with an error."""

    id: int
    error: Exception


@dataclass(frozen=True)
class Working:
    """A self-scheduling engine got on with a request that has nothing to show yet, such as a long prompt."""

    id: int


News = Delta | Finished | Broken | Working


class SelfScheduling(Protocol):
    """An engine that decides itself what is computed when, on threads of its own, and tells what comes of it.

    Of every request accepted by `submit`, exactly one Finished or Broken is told in the end, also after `cancel`.
    """

    @property
    def running(self) -> int: ...
    @property
    def waiting(self) -> int: ...

    def connect(self, tell: Callable[[News], None]) -> None:
        """Called once, before any request. `tell` may be called from any thread."""

    def submit(self, request: Generate | Decide) -> None:
        """Take a request in. Raises InglenookError when it cannot be served."""

    def cancel(self, request_id: int) -> None:
        """End a request with what it has; it costs no further step. One that is not known is ignored."""


class Pulse:
    """An engine calls it amid a computation that may take long, as often as it likes, from any thread, holding no lock.

    The worker listens every `every_s` seconds, and answers whether the computation is to go on: False once nobody wants its
    result.
    """

    def __init__(self) -> None:
        self.listener: Callable[[], bool] = lambda: True
        self.every_s = PULSE_EVERY_S
        self._next = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return True
        goes_on = self.listener()
        if goes_on:
            self._next = now + self.every_s
        return goes_on


@dataclass(frozen=True)
class Model:
    """A loaded model: what is known about it, and a part for each thing it can do.

    Generation is served either by a `generator`, which the scheduler steps, or by a part that schedules itself.
    `whole_translator` translates batches by itself: an engine's own decoding, or beam search beside a `translator`.
    `whole_generator` answers prompts, each the only input of its request, likewise: its rows have `text` and `tokens`.
    `batch_tokens`: the most tokens of a batch at which the engine is quick, None where the settings decide.
    `pulse`: what its parts call amid a long computation, where the library lets them. `cores`: told on the computing thread
    of each iteration (while a part that schedules itself works, four times a second), and when nothing is left to compute.
    """

    name: str
    facts: ModelFacts
    generator: Generator | None = None
    translator: Translator | None = None
    classifier: Reader[Classify, Classified] | None = None
    embedder: Reader[Embed, Embedded] | None = None
    reranker: Reader[Rerank, Reranked] | None = None
    self_scheduling: SelfScheduling | None = None
    serves: tuple[type, ...] = ()  # the requests that the self-scheduling part takes
    shaping: frozenset[str] = frozenset()  # which of protocol.SHAPING it can do
    whole_translator: Reader[Translate, Translated] | None = None
    whole_generator: Reader[Generate, Generated] | None = None
    batch_tokens: int | None = None
    pulse: Pulse = field(default_factory=Pulse)
    cores: SharedCores | None = None


class Engine(Protocol):
    """What an engine module offers."""

    def load(self, frame: Load) -> Model:
        """Load the model in `frame.path`. Raises LoadFailed, or any exception, whose text becomes the reason."""

    def measure(self, frame: Calibrate) -> Calibrated:
        """Measure the machine with the kernels that this engine's models run on."""
