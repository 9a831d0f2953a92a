"""Drives the worker in tests: the scheduler in this process, or a real worker process over real pipes."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

import numpy as np

from sidecar.engines import load_engine
from sidecar.engines.base import Model
from sidecar.engines.threads import SharedCores
from sidecar.runtime.protocol import (
    HEADER,
    Classified,
    Classify,
    Down,
    Embed,
    Embedded,
    Failed,
    Finished,
    Generated,
    Load,
    Outcome,
    Step,
    Translate,
    Translated,
    Up,
    decode_up,
    encode,
    payload_length,
)
from sidecar.types import ModelType
from sidecar.worker.scheduler import Scheduler


class CoresTold(SharedCores):
    """Passes on what it is told: "work" and "rest"."""

    def __init__(self) -> None:
        super().__init__(1, lambda count: None)
        self.told: queue.SimpleQueue[str] = queue.SimpleQueue()

    def work(self) -> None:
        self.told.put("work")

    def rest(self) -> None:
        self.told.put("rest")


def load(folder: Path, task: ModelType = "text_generation", engine: str = "transformers", **more: object) -> Model:
    """A model loaded in this process, with one thread."""
    return load_engine(engine).load(frame(folder, task, **more))


def frame(folder: Path, task: ModelType = "text_generation", **more: object) -> Load:
    return Load(model=folder.name, path=str(folder), task=task, **{"threads": 1, **more})  # type: ignore[arg-type]


def drive(model: Model, *requests: Down, **settings: int) -> dict[int, Finished | Failed]:
    """Serve requests that arrive together; the last frame of each by its id."""
    scheduler = Scheduler(model, Load("test", "", "text_generation", **settings))
    for request in requests:
        scheduler.accept(request)
    return ends(run(scheduler))


def run(scheduler: Scheduler, iterations: int = 100_000) -> list[Up]:
    """Iterate until nothing is left to do, or so many times; all frames."""
    frames: list[Up] = []
    while scheduler.busy and iterations:
        frames += scheduler.iterate()
        iterations -= 1
    return frames


def ends(frames: Iterable[Up]) -> dict[int, Finished | Failed]:
    return {up.id: up for up in frames if isinstance(up, Finished | Failed)}


def outcome(end: Finished | Failed) -> Outcome:
    """The outcome of a request that must not have failed."""
    assert isinstance(end, Finished), end
    return end.outcome


def classify(model: Model, request: Classify) -> Classified:
    result = _served(model, request)
    assert isinstance(result, Classified)
    return result


def translate(model: Model, request: Translate, **settings: int) -> Translated:
    result = _served(model, request, **settings)
    assert isinstance(result, Translated)
    return result


def embed(model: Model, request: Embed) -> np.ndarray:
    """The vectors, shape (texts, dimensions)."""
    result = _served(model, request)
    assert isinstance(result, Embedded)
    return np.frombuffer(result.vectors, np.float32).reshape(len(request.texts), result.dimensions)


def _served(model: Model, request: Classify | Translate | Embed, **settings: int) -> Outcome:
    return outcome(drive(model, request, **settings)[request.id])


def text_of(frames: Iterable[Up], request_id: int) -> str:
    """All text that went up for a request."""
    steps = [up for up in frames if isinstance(up, Step)]
    return "".join(delta.text for step in steps for delta in step.deltas if delta.id == request_id)


def answer(model: Model, *requests: Down, **settings: int) -> dict[int, tuple[str, Generated]]:
    """Text and outcome of generation requests that arrive together, by id; none may fail."""
    scheduler = Scheduler(model, Load("test", "", "text_generation", **settings))
    for request in requests:
        scheduler.accept(request)
    frames = run(scheduler)
    return {key: (text_of(frames, key), outcome(end)) for key, end in ends(frames).items()}  # type: ignore[misc]


class WorkerProcess:
    """A real worker over real pipes, as a context manager that leaves no process behind."""

    def __init__(self, engine: str = "echo") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sidecar", "worker", "--engine", engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):  # what was not yet written has nobody to read it
                stream.close()  # type: ignore[union-attr]

    def send(self, *frames: Down) -> None:
        self.send_bytes(b"".join(map(encode, frames)))

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self) -> Up | None:
        """The next frame, None at the end of the pipe."""
        assert self.process.stdout
        header = self.process.stdout.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        return decode_up(self.process.stdout.read(payload_length(header)))

    def receive_until(self, wanted: Callable[[Up], bool]) -> list[Up]:
        """Frames up to the first that is wanted, that one included. The pipe must not end before."""
        frames: list[Up] = []
        while not (frames and wanted(frames[-1])):
            up = self.receive()
            assert up is not None, f"the worker ended: {self.stderr()}"
            frames.append(up)
        return frames

    def receive_ends(self, *ids: int) -> list[Up]:
        """Frames until all these requests have ended."""
        left = set(ids)

        def done(up: Up) -> bool:
            if isinstance(up, Finished | Failed):
                left.discard(up.id)
            return not left

        return self.receive_until(done)

    def load(self, folder: Path, task: ModelType = "text_generation", **more: object) -> Up:
        """Wait for Hello, load, and return the answer."""
        self.receive()
        self.send(frame(folder, task, **more))
        up = self.receive()
        assert up is not None, self.stderr()
        return up

    def close(self) -> None:
        """End the pipe to the worker, as a parent that dies does."""
        assert self.process.stdin
        self.process.stdin.close()

    def wait(self) -> int:
        return self.process.wait(60)

    def stderr(self) -> str:
        """All it wrote to stderr; waits for its end."""
        assert self.process.stderr
        return self.process.stderr.read().decode("utf-8", "replace")
