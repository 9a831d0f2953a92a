"""Faults that really happen to real workers, seen from the manager: typed errors, unharmed neighbours, no orphans."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import psutil
import pytest

from sidecar.errors import InglenookError, LoadFailed, OutOfMemory, WorkerCrashed, WorkerStalled
from sidecar.runtime.manager import ModelManager
from sidecar.types import GenerateChunk, GenerateRequest, GenerateResponse
from tests.helpers.models import echo_model

from .conftest import AddEcho, OpenManager

ROOT = Path(__file__).resolve().parents[3]
GUARD_S = 20


def ask(prompt: str) -> GenerateRequest:
    return GenerateRequest(prompt=prompt, temperature=0, max_new_tokens=10_000)


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "worker" in child.cmdline()]


async def text_of(manager: ModelManager, model: str, prompt: str) -> str:
    answer = await manager.generate(model, ask(prompt), caller="test")
    assert isinstance(answer, GenerateResponse)
    return answer.generated_text


async def collect(stream: AsyncGenerator[GenerateChunk, None]) -> str:
    return "".join([chunk.text async for chunk in stream])


def worker_of(manager: ModelManager, model: str) -> int:
    resident = manager._residency.get(model)
    assert resident is not None
    return resident.live[0].worker.pid


async def test_a_kill_amid_a_stream_is_a_typed_error_and_neither_the_other_model_nor_the_next_request_notices(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    victim = await add_echo(manager, "victim", delay_ms=20, repeat=20)
    other = await add_echo(manager, "other", delay_ms=20)
    long_text = "a text of the other model " * 20
    await manager.load(other)
    neighbour = asyncio.create_task(collect(manager.stream(other, ask(long_text), caller="test")))
    stream = manager.stream(victim, ask("some words"), caller="test")
    await anext(stream)
    began = time.monotonic()
    os.kill(worker_of(manager, victim), signal.SIGKILL)
    with pytest.raises(WorkerCrashed):
        async with asyncio.timeout(GUARD_S):
            await collect(stream)
    assert time.monotonic() - began < 2
    assert (await text_of(manager, victim, "again")).startswith("again")
    assert await neighbour == long_text.rstrip()


async def test_a_kill_before_the_first_token_is_repeated_and_said(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "slow", delay_ms=600)
    await manager.load(model)
    answer = asyncio.create_task(manager.generate(model, ask("hello"), caller="test"))
    await asyncio.sleep(0.2)
    os.kill(worker_of(manager, model), signal.SIGKILL)
    response = await answer
    assert isinstance(response, GenerateResponse)
    assert response.generated_text == "hello"
    assert any("repeated" in warning for warning in response.warnings)


async def test_a_stream_is_repeated_when_nothing_of_it_was_sent(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "slow", delay_ms=600)
    await manager.load(model)
    answer = asyncio.create_task(collect(manager.stream(model, ask("hello"), caller="test")))
    await asyncio.sleep(0.2)
    os.kill(worker_of(manager, model), signal.SIGKILL)
    assert await answer == "hello"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("crash", WorkerCrashed),
        ("segfault", WorkerCrashed),
        ("hang", WorkerStalled),
        ("out_of_memory", OutOfMemory | WorkerCrashed),
    ],
)
async def test_a_fault_in_a_request_is_typed_and_the_next_request_works(
    open_manager: OpenManager, add_echo: AddEcho, fault: str, error: type[InglenookError]
) -> None:
    manager = await open_manager(stall_timeout_s=1)
    model = await add_echo(manager, "faulty")
    async with asyncio.timeout(GUARD_S):
        with pytest.raises(InglenookError) as caught:
            await text_of(manager, model, f"a [[{fault}]]")
        assert isinstance(caught.value, error)
        assert await text_of(manager, model, "fine") == "fine"


async def test_a_model_that_cannot_be_loaded_says_why_and_leaves_nothing_behind(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "broken", fault="crash")
    with pytest.raises(LoadFailed, match="exit code 3"):
        await manager.load(model)
    assert manager.model(model).state == "unloaded"
    assert workers() == []


async def test_cancelling_a_request_stops_its_compute(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "endless", delay_ms=10, repeat=0)
    stream = manager.stream(model, ask("never ends"), caller="test")
    await anext(stream)
    await stream.aclose()
    process = psutil.Process(worker_of(manager, model))
    await asyncio.sleep(0.1)
    before = process.num_ctx_switches().voluntary
    await asyncio.sleep(0.5)
    assert process.num_ctx_switches().voluntary - before < 10
    assert manager.active_requests == 0


async def test_unloading_ends_the_process_and_so_gives_back_all_its_memory(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "m")
    await manager.load(model)
    pid = worker_of(manager, model)
    assert manager.model(model).memory_usage_mb
    await manager.unload(model)
    assert not psutil.pid_exists(pid)
    assert manager.model(model).memory_usage_mb is None


async def test_closing_the_manager_leaves_no_worker(
    open_manager: OpenManager, add_echo: AddEcho, tmp_path: Path
) -> None:
    from sidecar.config import Settings
    from sidecar.paths import Paths

    async with ModelManager.open(Settings(), Paths.in_folder(tmp_path / "own")) as manager:
        await add_echo(manager, "one")
        await manager.load("one")
        assert len(workers()) >= 1
    assert workers() == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
async def test_a_killed_parent_leaves_no_worker_behind(tmp_path: Path) -> None:
    folder = echo_model(tmp_path / "m", delay_ms=20, repeat=0)
    script = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from sidecar.config import Settings
        from sidecar.paths import Paths
        from sidecar.runtime.manager import ModelManager
        from sidecar.types import GenerateRequest, RegisterRequest

        async def main():
            async with ModelManager.open(Settings(), Paths.in_folder(Path({str(tmp_path / "data")!r}))) as manager:
                await manager.register(
                    RegisterRequest(name="m", model_type="text_generation", model_path={str(folder)!r}))
                request = GenerateRequest(prompt="endless", max_new_tokens=10_000)
                async for chunk in manager.stream("m", request, caller="test"):
                    print("streaming", flush=True)

        asyncio.run(main())
    """)

    def run_and_kill() -> list[psutil.Process]:
        with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            parent.stdout.readline()
            children = psutil.Process(parent.pid).children(recursive=True)
            parent.kill()
        return psutil.wait_procs(children, timeout=GUARD_S)[1] if children else [psutil.Process()]

    assert await asyncio.to_thread(run_and_kill) == []
