"""What happens amid a computation that takes long: cancels take effect, signs of life are sent, other frames wait."""

from __future__ import annotations

import queue
import threading

import pytest

from sidecar.engines.base import Encoding, Model, Pulse
from sidecar.runtime.protocol import Cancel, Embed, Embedded, Failed, Finished, Load, ModelFacts, Stats, Up
from sidecar.worker.scheduler import Scheduler
from sidecar.worker.serving import Inbox, Serving
from tests.helpers.worker import CoresTold

ENDLESS = "endless"


class SlowReader:
    """Computes "endless" until nobody wants it, and anything else at once."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self.begun = threading.Event()

    def encode(self, request: Embed) -> Encoding:
        return Encoding(list(request.texts), [1000 if text == ENDLESS else 1 for text in request.texts])

    def forward(self, inputs: list[str]) -> list[list[float]]:
        while ENDLESS in inputs and self._pulse():
            self.begun.set()
        return [[1.0]] * len(inputs)

    def padding(self, inputs: list[str]) -> list[int]:
        return [0] * len(inputs)

    def outcome(self, request: Embed, encoding: Encoding, rows: list[list[float]]) -> Embedded:
        return Embedded(b"", dimensions=1, tokens=encoding.tokens)


class Parent:
    """The other end of the pipe: a queue of what was sent. Hanging up ends the worker's loop."""

    def __init__(self) -> None:
        self.inbox: Inbox = queue.SimpleQueue()
        self.sent: queue.SimpleQueue[Up] = queue.SimpleQueue()
        self._gone = False
        pulse = Pulse()
        self.reader = SlowReader(pulse)
        facts = ModelFacts(engine="slow", device="cpu", precision="none", parameters=0, memory_bytes=0)
        self.cores = CoresTold()
        model = Model("slow", facts, embedder=self.reader, pulse=pulse, cores=self.cores)
        self._serving = Serving(Scheduler(model, Load("slow", "", "embedding")), self.inbox, self._send)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def until(self, kind: type[Up]) -> Up:
        while not isinstance(frame := self.sent.get(timeout=20), kind):
            pass
        return frame

    def hang_up(self) -> None:
        self._gone = True
        self.inbox.put(None)
        self._thread.join(20)

    def _run(self) -> None:
        with pytest.raises(BrokenPipeError):
            self._serving.run()

    def _send(self, frames: list[Up]) -> None:
        if self._gone:
            raise BrokenPipeError
        for frame in frames:
            self.sent.put(frame)


@pytest.fixture
def parent():
    parent = Parent()
    yield parent
    parent.inbox.put(Cancel(1))
    parent.hang_up()


def test_a_cancel_ends_a_computation_that_is_under_way(parent: Parent) -> None:
    parent.inbox.put(Embed(1, [ENDLESS]))
    assert parent.reader.begun.wait(20)
    parent.inbox.put(Cancel(1))
    failed = parent.until(Failed)
    assert (failed.id, failed.code) == (1, "cancelled")


def test_a_long_computation_gives_signs_of_progress(parent: Parent) -> None:
    parent.inbox.put(Embed(1, [ENDLESS]))
    first, second = parent.until(Stats), parent.until(Stats)
    assert second.steps > first.steps


def test_a_request_that_arrives_meanwhile_is_served_afterwards(parent: Parent) -> None:
    parent.inbox.put(Embed(1, [ENDLESS]))
    assert parent.reader.begun.wait(20)
    parent.inbox.put(Embed(2, ["short"]))
    parent.inbox.put(Cancel(1))
    assert parent.until(Finished).id == 2


def test_a_request_that_arrives_and_is_cancelled_meanwhile_is_never_computed(parent: Parent) -> None:
    parent.inbox.put(Embed(1, [ENDLESS]))
    assert parent.reader.begun.wait(20)
    for frame in (Embed(2, ["short"]), Cancel(2), Cancel(1)):
        parent.inbox.put(frame)
    assert [parent.until(Failed).id, parent.until(Failed).id] == [1, 2]


def test_the_cores_are_told_when_something_is_computed_and_when_nothing_is_left(parent: Parent) -> None:
    parent.inbox.put(Embed(1, [ENDLESS]))
    parent.inbox.put(Embed(2, ["short"]))
    assert parent.reader.begun.wait(20)
    assert parent.cores.told.get(timeout=20) == "work"
    assert parent.cores.told.empty()
    parent.inbox.put(Cancel(1))
    assert parent.until(Finished).id == 2
    told = [parent.cores.told.get(timeout=20)]
    while told[-1] != "rest":
        told.append(parent.cores.told.get(timeout=20))
    assert set(told[:-1]) == {"work"}
    assert parent.cores.told.empty()
