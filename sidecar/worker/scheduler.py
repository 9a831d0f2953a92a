"""Decides what a worker computes next: sorts requests by kind, and gives each kind a turn in every iteration.

One iteration: every running sequence gains a token, waiting ones join, one batch of texts is read. A request that fails
takes no other down. Knows neither pipes nor engine libraries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from sidecar.engines.base import Model
from sidecar.errors import Unsupported
from sidecar.runtime.protocol import (
    SHAPING,
    Cancel,
    Classify,
    Decide,
    Down,
    Embed,
    Generate,
    Load,
    Rerank,
    Stats,
    Translate,
    Up,
)
from sidecar.worker.composing import Composing
from sidecar.worker.delegating import Delegating
from sidecar.worker.generating import Generating
from sidecar.worker.reading import Reading
from sidecar.worker.replies import Replies
from sidecar.worker.translating import Translating

Inference = Generate | Classify | Embed | Translate | Decide | Rerank
# A batch that is answered whole cannot be cancelled in the middle where beams are searched, so it is kept short.
WHOLE_TOKENS = 1024


class Desk(Protocol):
    """Serves the requests of one kind. `busy`: an iteration has something to do now."""

    @property
    def busy(self) -> bool: ...
    @property
    def running(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    def cancel(self, request_id: int) -> None: ...
    def iterate(self) -> None: ...


class Scheduler:
    """The requests to one model. `accept` takes frames in, `iterate` computes and returns the frames to send.

    A model that schedules itself calls from its threads: `send` with frames amid, between and after iterations, and `rested`
    when it has nothing left.
    """

    def __init__(
        self,
        model: Model,
        settings: Load,
        clock: Callable[[], float] = time.monotonic,
        send: Callable[[list[Up]], None] = lambda frames: None,
        rested: Callable[[], None] = lambda: None,
    ) -> None:
        self.steps = 0
        self._model = model
        self._replies = Replies()
        self._desks = _desks(model, settings, self._replies, clock)
        if model.self_scheduling:
            desk = Delegating(model.self_scheduling, send, self.stepped, rested)
            self._desks |= dict.fromkeys(model.serves, desk)

    @property
    def busy(self) -> bool:
        """Whether an iteration has something to compute or to say."""
        return bool(self._replies) or any(desk.busy for desk in self._each_desk())

    @property
    def serving(self) -> bool:
        """Whether requests are open, computed here or by the model itself."""
        return any(desk.running or desk.waiting for desk in self._each_desk())

    @property
    def wanted(self) -> bool:
        """Amid an iteration: whether anybody still wants what is being computed."""
        return not any(isinstance(desk, Reading) and desk.abandoned for desk in self._each_desk())

    def listen(self, listener: Callable[[], bool]) -> None:
        """Have `listener` called amid long computations; they end early once it returns False."""
        self._model.pulse.listener = listener

    def accept(self, frame: Down) -> None:
        """Put a request in line, or cancel one; the next iteration returns the answer where one is due at once."""
        if isinstance(frame, Cancel):
            for desk in self._each_desk():
                desk.cancel(frame.id)
        elif isinstance(frame, Inference):
            self._enter(frame)

    def iterate(self) -> list[Up]:
        """Compute one iteration and return its frames. It counts as a step when there was something to do."""
        busy = [desk for desk in self._each_desk() if desk.busy]
        self.steps += bool(busy)
        if self._model.cores and (busy or self.serving):
            self._model.cores.work()
        for desk in busy:
            desk.iterate()
        return self._replies.take()

    def rest(self) -> None:
        """Nothing is open and nothing has arrived."""
        if self._model.cores:
            self._model.cores.rest()

    def stepped(self) -> None:
        """Something got on, so that the parent need not fear that the model hangs."""
        self.steps += 1

    def replies(self) -> list[Up]:
        """The frames that are due, amid an iteration too."""
        return self._replies.take()

    def stats(self, memory_bytes: int) -> Stats:
        return Stats(
            running=sum(desk.running for desk in self._each_desk()),
            waiting=sum(desk.waiting for desk in self._each_desk()),
            steps=self.steps,
            memory_bytes=memory_bytes,
        )

    def _each_desk(self) -> list[Desk]:
        """Every desk once, also one that serves several kinds."""
        return list(dict.fromkeys(self._desks.values()))

    def _enter(self, frame: Inference) -> None:
        desk = self._desks.get(_kind(frame)) or self._desks.get(type(frame))
        try:
            if isinstance(frame, Generate):
                _refuse_shaping(frame, self._model)
            if desk is None:
                raise Unsupported(model=self._model.name, reason=_cannot(frame, self._model.facts.capabilities))
            desk.add(frame)
        except Exception as error:  # noqa: BLE001 - a template or tokenizer may raise anything; it costs its request only
            self._replies.fail(frame.id, error)


class BeamSearch:
    """Stands for translation requests that a stepping translator does not serve."""


def _kind(frame: Inference) -> type:
    return BeamSearch if isinstance(frame, Translate) and (frame.options.num_beams or 1) > 1 else type(frame)


def _desks(model: Model, settings: Load, replies: Replies, clock: Callable[[], float]) -> dict[type, Any]:
    """A desk for each kind of request that the model can serve. Each also has `add(request)` for its own kind."""
    desks: dict[type, Desk] = {}
    budget = min(settings.batch_tokens, model.batch_tokens or settings.batch_tokens)
    if model.generator:
        desks[Generate] = Generating(model.generator, replies, settings.max_sequences, clock)
    if model.whole_generator:
        desks[Generate] = Composing(model.whole_generator, replies, min(budget, WHOLE_TOKENS), clock)
    if model.generator and model.translator:
        desks[Translate] = Translating(model.generator, model.translator, replies, budget, clock)
    if model.whole_translator:
        whole = Reading(model.whole_translator, replies, min(budget, WHOLE_TOKENS), clock)
        desks[BeamSearch if model.translator else Translate] = whole
    if model.classifier:
        desks[Classify] = Reading(model.classifier, replies, budget, clock)
    if model.embedder:
        desks[Embed] = Reading(model.embedder, replies, budget, clock)
    if model.reranker:
        desks[Rerank] = Reading(model.reranker, replies, budget, clock)
    return desks


def _refuse_shaping(frame: Generate, model: Model) -> None:
    """Raises Unsupported that names the fields which this model's engine cannot do."""
    refused = [name for name in SHAPING if getattr(frame, name) is not None and name not in model.shaping]
    if refused:
        reason = f"its engine, {model.facts.engine}, cannot do {', '.join(refused)}"
        raise Unsupported(model=model.name, reason=reason)


def _cannot(frame: Inference, capabilities: list[str]) -> str:
    return f"it does not {type(frame).__name__.lower()}; what it can do: {', '.join(capabilities)}"
