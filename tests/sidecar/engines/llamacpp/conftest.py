"""Real workers with tiny GGUF models, shared by the tests of a module; no test leaves a request behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sidecar.runtime.protocol import Loaded, ModelFacts
from sidecar.types import ModelType
from tests.helpers.worker import WorkerProcess

Start = Callable[..., WorkerProcess]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """`start(file, task)`: a worker with the model loaded; `facts_of` gives what it told."""
    with ExitStack() as stack:

        def worker(path: Path, task: ModelType = "text_generation", **more: object) -> WorkerProcess:
            process = stack.enter_context(WorkerProcess("llamacpp"))
            loaded = process.load(path, task, **more)
            assert isinstance(loaded, Loaded), loaded
            process.facts = loaded.facts  # type: ignore[attr-defined]
            return process

        yield worker


def facts_of(worker: WorkerProcess) -> ModelFacts:
    return worker.facts  # type: ignore[attr-defined, no-any-return]
