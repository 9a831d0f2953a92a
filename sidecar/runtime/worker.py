"""The parent's handle of one worker process: start it, load a model, ask, cancel, notice its death, end it.

One handle is one process and, once `load` returned, one model. It neither decides what is loaded nor retries anything.
End of file means death, both ways: the process ends when this side closes, and its end fails every open request.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sidecar.errors import Cancelled, InglenookError, LoadFailed, WorkerCrashed, WorkerStalled, from_wire
from sidecar.runtime.child import Child
from sidecar.runtime.outcome import WorkerOutcome
from sidecar.runtime.protocol import (
    PROTOCOL_VERSION,
    Calibrate,
    Calibrated,
    Cancel,
    Classify,
    Convert,
    Converted,
    Decide,
    Embed,
    Failed,
    Finished,
    Generate,
    Hello,
    Load,
    Loaded,
    ModelFacts,
    Prepare,
    Prepared,
    Progress,
    ProtocolError,
    Rerank,
    Shutdown,
    Stats,
    Step,
    Translate,
    Up,
)
from sidecar.runtime.reply import Reply

log = logging.getLogger(__name__)

Question = Generate | Classify | Embed | Translate | Decide | Rerank
T = TypeVar("T")
START_TIMEOUT_S = 300.0  # importing an engine from a cold, slow disk takes minutes


class Worker:
    """`facts` are known once a model is loaded. `ended` resolves when the process is gone and every request was told."""

    def __init__(self, child: Child, engine: str, stall_timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.engine = engine
        self.model = engine
        self.facts: ModelFacts | None = None
        self.memory_bytes = 0
        self.ended: asyncio.Future[WorkerOutcome] = loop.create_future()
        self._child = child
        self._stall_timeout_s = stall_timeout_s
        self._hello: asyncio.Future[Hello] = loop.create_future()
        self._loaded: asyncio.Future[Loaded] = loop.create_future()
        self._prepared: asyncio.Future[Prepared] = loop.create_future()
        self._converted: asyncio.Future[Converted] = loop.create_future()
        self._on_progress: Callable[[str, float], None] | None = None
        self._calibrated: asyncio.Future[Calibrated] = loop.create_future()
        self._replies: dict[int, Reply] = {}
        self._ids = itertools.count(1)
        self._steps = 0
        self._progress_at = loop.time()
        self._cause: InglenookError | None = None  # why this side ended it, when it did
        self._following = asyncio.create_task(self._follow(), name=f"worker {child.pid}")
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls, engine: str, *, stall_timeout_s: float, model: str = "", start_timeout_s: float = START_TIMEOUT_S
    ) -> Worker:
        """A process with the engine's libraries imported. Raises LoadFailed when it does not come up, which names `model`, or
        the engine where it is for none yet."""
        try:
            child = await Child.spawn(engine)
        except OSError as error:
            raise LoadFailed(model=model or engine, reason=f"no worker process could be started: {error}") from error
        worker = cls(child, engine, stall_timeout_s)
        worker.model = model or engine
        try:
            hello = await worker._first(worker._hello, start_timeout_s, "its process did not come up")
            _check_protocol(engine, hello)
        except BaseException:
            await worker.close()
            raise
        return worker

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._cause is None and not self._following.done()

    async def load(self, frame: Load, timeout_s: float) -> Loaded:
        """Load this worker's one model. Raises LoadFailed, OutOfMemory and whatever else the engine reports."""
        self.model = frame.model
        self._child.send(frame)
        loaded = await self._first(self._loaded, timeout_s, "it was not loaded")
        self.facts, self.memory_bytes = loaded.facts, loaded.facts.memory_bytes
        return loaded

    async def prepare(self, frame: Prepare, on_progress: Callable[[str, float], None]) -> Prepared:
        """Convert a model instead of loading one. Raises PreparationFailed, DiskFull and whatever else the engine reports."""
        self.model = frame.model
        self._on_progress = on_progress
        self._child.send(frame)
        return await asyncio.shield(self._prepared)

    async def convert(self, frame: Convert, on_progress: Callable[[str, float], None]) -> None:
        """Make safetensors of pickled weights. Raises PreparationFailed, DiskFull and whatever else the engine reports."""
        self.model = frame.model
        self._on_progress = on_progress
        self._child.send(frame)
        await asyncio.shield(self._converted)

    async def calibrate(self, frame: Calibrate, timeout_s: float) -> Calibrated:
        """Measure the machine, instead of loading a model. Raises LoadFailed when no figures come, InferenceFailed."""
        self._child.send(frame)
        return await self._first(self._calibrated, timeout_s, "it did not measure the machine")

    @contextlib.contextmanager
    def ask(self, question: Question) -> Iterator[Reply]:
        """Send one request; its answer arrives in the Reply. Leaving the block before the end cancels the work.

        Raises WorkerCrashed when the process is already gone.
        """
        if not self.alive:
            raise self._cause or WorkerCrashed(model=self.model, outcome="it is gone", stderr="")
        question.id = next(self._ids)
        self._expect_progress()
        reply = self._replies[question.id] = Reply()
        self._child.send(question)
        try:
            yield reply
        finally:
            if self._replies.pop(question.id, None) is not None and self.alive:
                self._child.send(Cancel(question.id))

    @property
    def device(self) -> str:
        """Where the model is; empty before it is loaded."""
        return self.facts.device if self.facts else ""

    @property
    def known_facts(self) -> ModelFacts:
        """Raises LookupError before a model is loaded."""
        if self.facts is None:
            raise LookupError("no model is loaded")
        return self.facts

    async def measure(self) -> int:
        """Resident memory in bytes, read now."""
        self.memory_bytes = await self._child.memory_bytes() or self.memory_bytes
        return self.memory_bytes

    async def close(self) -> WorkerOutcome:
        """End the process in order; requests still open get Cancelled. Safe to call twice."""
        if self.alive:
            self._cause = Cancelled(f"The model {self.model!r} was unloaded.")
            self._child.send(Shutdown())
            await self._child.end()
        return await asyncio.shield(self.ended)

    async def _first(self, future: asyncio.Future[T], timeout_s: float, what_failed: str) -> T:
        """The frame that `future` waits for. Raises LoadFailed when it does not come in time."""
        try:
            return await asyncio.wait_for(asyncio.shield(future), timeout_s)
        except TimeoutError:
            raise LoadFailed(model=self.model, reason=f"{what_failed} within {timeout_s:g} s.") from None

    async def _follow(self) -> None:
        """Take in frames until the process ends, then tell everyone who waits."""
        broken = ""
        try:
            await self._child.frames(self._take)
        except ProtocolError as error:
            broken = f"it sent what is not a frame: {error}"
            self._child.kill()
        if self._watch is not None:
            self._watch.cancel()
        outcome = await self._child.end()
        self._tell_everyone(outcome, broken or str(outcome))
        self.ended.set_result(outcome)

    def _take(self, frame: Up) -> None:
        self._note_progress(frame)
        match frame:
            case Step(deltas):
                for delta in deltas:
                    if (reply := self._replies.get(delta.id)) is not None:
                        reply.add(delta.text, delta.tokens)
            case Finished(id, outcome):
                if (reply := self._replies.pop(id, None)) is not None:
                    reply.finish(outcome)
            case Failed(0, code, message, details):
                for waited in (self._loaded, self._prepared, self._converted, self._calibrated):
                    _reject(waited, from_wire(code, message, details))
            case Failed(id, code, message, details):
                if (reply := self._replies.pop(id, None)) is not None:
                    reply.fail(from_wire(code, message, details))
            case Progress(stage, done):
                if self._on_progress is not None:
                    self._on_progress(stage, done)
            case Prepared() if not self._prepared.done():
                self._prepared.set_result(frame)
            case Converted() if not self._converted.done():
                self._converted.set_result(frame)
            case Stats():
                self.memory_bytes = frame.memory_bytes
            case Hello() if not self._hello.done():
                self._hello.set_result(frame)
            case Calibrated() if not self._calibrated.done():
                self._calibrated.set_result(frame)
            case Loaded() if not self._loaded.done():
                self._loaded.set_result(frame)
            case _:
                raise ProtocolError(f"a second {type(frame).__name__}")

    def _tell_everyone(self, outcome: WorkerOutcome, how: str) -> None:
        if self._cause is None:
            log.warning(
                "the worker of %s (process %d) ended: %s. %s", self.model, self.pid, how, outcome.stderr_sentence
            )
        error = self._cause or WorkerCrashed(model=self.model, outcome=how, stderr=outcome.stderr_sentence)
        early = LoadFailed(model=self.model, reason=f"its worker ended ({how}). {outcome.stderr_sentence}")
        _reject(self._hello, early)
        _reject(self._loaded, early)
        _reject(self._prepared, error)
        _reject(self._converted, error)
        _reject(self._calibrated, early)
        replies, self._replies = self._replies, {}
        for reply in replies.values():
            reply.fail(error)

    # ---- stalls -----------------------------------------------------------------------------------------------------

    def _expect_progress(self) -> None:
        """Watch for stalls from the first open request until there is none."""
        if not self._replies:
            self._progress_at = asyncio.get_running_loop().time()
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watch_progress(), name=f"worker {self.pid} watch")

    def _note_progress(self, frame: Up) -> None:
        """A Stats frame alone is no progress: its thread lives on while the computation hangs."""
        if isinstance(frame, Stats) and frame.steps == self._steps:
            return
        if isinstance(frame, Stats):
            self._steps = frame.steps
        self._progress_at = asyncio.get_running_loop().time()

    async def _watch_progress(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # the request that started this is open only now
        while self._replies and self.alive:
            left = self._progress_at + self._stall_timeout_s - loop.time()
            if left <= 0:
                self._cause = WorkerStalled(model=self.model, seconds=f"{self._stall_timeout_s:g}")
                log.warning("%s", self._cause.message)
                self._child.kill()
                return
            await asyncio.sleep(min(left, 1.0))


def _check_protocol(engine: str, hello: Hello) -> None:
    if hello.protocol != PROTOCOL_VERSION:
        raise LoadFailed(
            model=engine,
            reason=f"its worker speaks protocol {hello.protocol} and this service {PROTOCOL_VERSION}:"
            " the installation mixes two releases",
        )


def _reject(future: asyncio.Future[Any], error: InglenookError) -> None:
    """Set `error`, unless the future is done. It may be that nobody waits for it, which is no fault."""
    if not future.done():
        future.set_exception(error)
        future.exception()
