"""The parent's handle against real worker processes with the echo engine."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from sidecar.errors import Cancelled, InferenceFailed, LoadFailed, OutOfMemory, WorkerCrashed, WorkerStalled
from sidecar.runtime.protocol import Embed, Embedded, Generate, Generated, Load
from sidecar.runtime.reply import Reply
from sidecar.runtime.worker import Worker
from sidecar.types import Sampling
from tests.helpers.models import echo_model

Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """`await start(knob=…, stall=seconds)`: a worker with an echo model, closed at the end of the test."""
    workers: list[Worker] = []

    async def started(stall: float = 60.0, **knobs: Any) -> Worker:
        worker = await Worker.start("echo", stall_timeout_s=stall)
        workers.append(worker)
        folder = echo_model(tmp_path / f"echo-{len(workers)}", **knobs)
        await worker.load(Load("echo", str(folder), "text_generation"), 60)
        return worker

    yield started
    for worker in workers:
        await worker.close()


def question(text: str) -> Generate:
    return Generate(0, text, None, Sampling(temperature=0, max_new_tokens=10_000))


async def read(reply: Reply) -> str:
    text = ""
    while (piece := await reply.next_text()) is not None:
        text += piece
    return text


async def failure_of(worker: Worker, text: str) -> BaseException:
    with worker.ask(question(text)) as reply, pytest.raises(BaseException) as caught:  # noqa: PT011
        async with asyncio.timeout(20):
            await read(reply)
    return caught.value


async def test_an_answer_arrives_in_pieces_and_ends_with_its_figures(start: Start) -> None:
    worker = await start()
    with worker.ask(question("one two three")) as reply:
        assert await read(reply) == "one two three"
        outcome = await reply.outcome()
    assert isinstance(outcome, Generated)
    assert outcome.finish_reason == "stop"


async def test_loading_teaches_facts_and_memory(start: Start) -> None:
    worker = await start(labels=["yes", "no"])
    assert worker.facts.labels == ["yes", "no"]
    assert await worker.measure() > 1_000_000


async def test_several_requests_run_together(start: Start) -> None:
    worker = await start(delay_ms=5)

    async def ask(text: str) -> str:
        with worker.ask(question(text)) as reply:
            return await read(reply)

    texts = [f"text number {number} of several" for number in range(8)]
    assert await asyncio.gather(*map(ask, texts)) == texts


async def test_text_nobody_reads_is_merged(start: Start) -> None:
    worker = await start()
    text = " ".join(["word"] * 500)
    with worker.ask(question(text)) as reply:
        await reply.outcome()
        assert await reply.next_text() == text
        assert await reply.next_text() is None


async def test_leaving_early_stops_the_computation(start: Start) -> None:
    worker = await start(delay_ms=10, repeat=0)
    with worker.ask(question("endless")) as reply:
        await reply.next_text()
    with worker.ask(question("short " * 3)) as other:
        await other.next_text()
        before = psutil.Process(worker.pid).cpu_times()
    await asyncio.sleep(0.5)
    after = psutil.Process(worker.pid).cpu_times()
    assert after.user + after.system - before.user - before.system < 0.1


async def test_a_killed_worker_fails_its_requests_within_two_seconds(start: Start) -> None:
    worker = await start(delay_ms=20, repeat=0)
    with worker.ask(question("endless")) as reply:
        await reply.next_text()
        began = time.monotonic()
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(WorkerCrashed, match="perhaps because memory ran out"):
            await read(reply)
    assert time.monotonic() - began < 2


async def test_a_crash_is_reported_with_its_exit_code(start: Start) -> None:
    error = await failure_of(await start(), "then [[crash]]")
    assert isinstance(error, WorkerCrashed)
    assert "exit code 3" in error.message


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
async def test_a_segmentation_fault_is_reported_with_its_signal_and_the_end_of_stderr(start: Start) -> None:
    error = await failure_of(await start(), "then [[segfault]]")
    assert isinstance(error, WorkerCrashed)
    assert "SIGSEGV" in error.message
    assert "Segmentation fault" in error.details["stderr"]


async def test_a_hanging_worker_is_ended_after_the_stall_timeout(start: Start) -> None:
    worker = await start(stall=1.5)
    error = await failure_of(worker, "then [[hang]]")
    assert isinstance(error, WorkerStalled)
    await asyncio.wait_for(asyncio.shield(worker.ended), 20)
    assert not psutil.pid_exists(worker.pid)


async def test_an_idle_worker_does_not_count_as_stalled(start: Start) -> None:
    worker = await start(stall=0.3)
    await asyncio.sleep(1.0)
    with worker.ask(question("still here")) as reply:
        assert await read(reply) == "still here"


async def test_a_slow_worker_that_makes_progress_does_not_count_as_stalled(start: Start) -> None:
    worker = await start(stall=0.8, delay_ms=150)
    with worker.ask(question("one two three four five six seven eight nine ten")) as reply:
        assert (await read(reply)).endswith("ten")


async def test_running_out_of_memory_is_its_own_error(start: Start) -> None:
    assert isinstance(await failure_of(await start(), "then [[out_of_memory]]"), OutOfMemory | WorkerCrashed)


async def test_an_engines_error_costs_only_its_request(start: Start) -> None:
    worker = await start()
    assert isinstance(await failure_of(worker, "then [[error]]"), InferenceFailed)
    with worker.ask(question("fine")) as reply:
        assert await read(reply) == "fine"


async def test_what_an_engine_prints_does_not_disturb_the_channel(start: Start) -> None:
    worker = await start()
    with worker.ask(question("a [[print]] b")) as reply:
        assert await read(reply) == "a [[print]] b"


async def test_a_failed_load_says_why(tmp_path: Path) -> None:
    worker = await Worker.start("echo", stall_timeout_s=60)
    with pytest.raises(LoadFailed, match="nowhere"):
        await worker.load(Load("echo", str(tmp_path / "nowhere"), "text_generation"), 60)
    await worker.close()


async def test_a_crash_during_the_load_is_a_failed_load_with_the_exit_code(tmp_path: Path) -> None:
    worker = await Worker.start("echo", stall_timeout_s=60)
    folder = echo_model(tmp_path / "m", fault="crash")
    with pytest.raises(LoadFailed, match="exit code 3"):
        await worker.load(Load("echo", str(folder), "text_generation"), 60)


async def test_a_load_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    worker = await Worker.start("echo", stall_timeout_s=60)
    folder = echo_model(tmp_path / "m", load_ms=60_000)
    with pytest.raises(LoadFailed, match="within"):
        await worker.load(Load("echo", str(folder), "text_generation"), 0.3)
    await worker.close()
    assert not psutil.pid_exists(worker.pid)


async def test_an_engine_that_does_not_exist_is_a_failed_load() -> None:
    with pytest.raises(LoadFailed, match="no_such_engine"):
        await Worker.start("no_such_engine", stall_timeout_s=60)
    with pytest.raises(LoadFailed, match="'mine' could not be loaded"):
        await Worker.start("no_such_engine", model="mine", stall_timeout_s=60)


async def test_closing_ends_the_process_and_cancels_what_is_open(start: Start) -> None:
    worker = await start(delay_ms=20, repeat=0)
    with worker.ask(question("endless")) as reply:
        await reply.next_text()
        outcome = await worker.close()
        with pytest.raises(Cancelled):
            await read(reply)
    assert outcome.successful
    assert not psutil.pid_exists(worker.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
async def test_a_stopped_process_is_killed_when_it_does_not_end(start: Start) -> None:
    worker = await start()
    os.kill(worker.pid, signal.SIGSTOP)
    await worker.close()
    assert not psutil.pid_exists(worker.pid)


async def test_asking_a_worker_that_is_gone_is_a_crash(start: Start) -> None:
    worker = await start()
    os.kill(worker.pid, signal.SIGKILL)
    await worker.ended
    with pytest.raises(WorkerCrashed), worker.ask(question("hello")):
        pass


async def test_large_answers_pass_the_channel(start: Start) -> None:
    worker = await start(dimensions=1024)
    with worker.ask(Embed(0, [f"text {number}" for number in range(2000)])) as reply:
        outcome = await reply.outcome()
    assert isinstance(outcome, Embedded)
    assert len(outcome.vectors) == 2000 * 1024 * 4


@pytest.mark.skipif(sys.platform != "linux", reason="reads the environment of a process")
async def test_a_worker_has_no_secrets_and_no_network_settings(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "HF_TOKEN_2", "MY_API_KEY", "SOME_TOKEN", "DB_PASSWORD", "https_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "very-secret")
    monkeypatch.setenv("KEYBOARD", "us")
    worker = await start()
    environment = await asyncio.to_thread(Path(f"/proc/{worker.pid}/environ").read_text)
    assert "very-secret" not in environment
    assert "KEYBOARD=us" in environment
    assert "HF_HUB_OFFLINE=1" in environment
