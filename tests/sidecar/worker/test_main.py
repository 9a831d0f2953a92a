"""A real worker process over real pipes."""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from pathlib import Path

import psutil
import pytest

from sidecar.engines.echo import CRASH_STATUS
from sidecar.errors import LoadFailed
from sidecar.registry.exported import MANIFEST
from sidecar.runtime.protocol import (
    PROTOCOL_VERSION,
    Calibrate,
    Cancel,
    Classify,
    Embed,
    Failed,
    Finished,
    Generate,
    Generated,
    Hello,
    Load,
    Loaded,
    Shutdown,
    Stats,
    Step,
)
from sidecar.types import Sampling
from sidecar.worker import main
from sidecar.worker.main import EXIT_PROTOCOL_ERROR
from sidecar.worker.pacing import PIECE_EVERY_S
from tests.helpers.models import echo_model, tiny
from tests.helpers.worker import WorkerProcess, ends, frame, outcome, text_of

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def generate(request_id: int, text: str, **sampling: int) -> Generate:
    return Generate(request_id, text, None, Sampling(**sampling))  # type: ignore[arg-type]


def test_hello_comes_first_and_names_protocol_engine_and_process() -> None:
    with WorkerProcess() as worker:
        assert worker.receive() == Hello(PROTOCOL_VERSION, "echo", worker.process.pid)


def test_a_model_is_loaded_with_facts_and_time(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        loaded = worker.load(echo_model(tmp_path, load_ms=50))
    assert isinstance(loaded, Loaded)
    assert loaded.load_ms >= 50
    assert loaded.facts.memory_bytes > 1 << 20


def test_stray_prints_land_on_stderr_and_do_not_disturb_frames(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path, fault="print"))
        worker.send(generate(1, "a [[print]] b"))
        assert text_of(worker.receive_ends(1), 1) == "a [[print]] b"
        worker.close()
        worker.wait()
        assert worker.stderr().count("a stray print") == 4


def test_a_model_that_cannot_be_loaded_is_reported_with_its_reason(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        failed = worker.load(tmp_path / "nothing")
        assert isinstance(failed, Failed)
        assert (failed.id, failed.code) == (0, "load_failed")
        assert "nothing" in failed.message
        assert worker.wait() == 0


def test_an_exception_while_loading_is_the_reason(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        failed = worker.load(echo_model(tmp_path, fault="error"))
    assert isinstance(failed, Failed)
    assert "asked to fail" in failed.message


def test_the_end_of_the_pipe_ends_an_idle_worker(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path))
        worker.close()
        assert worker.wait() == 0


def test_the_end_of_the_pipe_ends_a_worker_in_the_middle_of_a_computation(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path))
        worker.send(generate(1, "a [[hang]]"))
        worker.receive_until(lambda up: isinstance(up, Step))
        worker.close()
        assert worker.wait() == 0


def test_the_end_of_the_pipe_ends_a_worker_that_is_loading(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.receive()
        worker.send(frame(echo_model(tmp_path, fault="hang")))
        worker.close()
        assert worker.wait() == 0


def test_shutdown_ends_a_worker_even_when_it_hangs(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path))
        worker.send(generate(1, "a [[hang]]"), Shutdown())
        assert worker.wait() == 0


def test_cancel_takes_effect_within_one_step(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path, repeat=0, delay_ms=30, context_length=100_000))
        worker.send(generate(1, "word", max_new_tokens=10_000))
        worker.receive_until(lambda up: isinstance(up, Step))
        worker.send(Cancel(1))
        frames = worker.receive_ends(1)
    result = outcome(ends(frames)[1])
    assert isinstance(result, Generated)
    assert result.finish_reason == "cancelled"
    # The step under way when the cancel arrived, and the one whose frame was already in the pipe.
    assert sum(isinstance(frame, Step) for frame in frames) <= 2


def test_a_cancelled_request_leaves_the_others_running(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path, delay_ms=2))
        worker.send(generate(1, "a b c d e f g h"), generate(2, "x y z"), Cancel(1))
        assert text_of(worker.receive_ends(1, 2), 2) == "x y z"


def test_a_crash_ends_the_pipe_after_what_was_computed(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path, delay_ms=round(1500 * PIECE_EVERY_S)))  # slower than pieces go up
        worker.send(generate(1, "a b [[crash]]"))
        received = []
        while (up := worker.receive()) is not None:
            received.append(up)
        assert worker.wait() == CRASH_STATUS
    assert text_of(received, 1) == "a b"


def test_a_segmentation_fault_leaves_its_traceback_on_stderr(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path))
        worker.send(generate(1, "[[segfault]]"))
        assert worker.receive() is None
        assert worker.wait() != 0
        assert "Segmentation fault" in worker.stderr() or sys.platform == "win32"


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(struct.pack(">I", 0xFFFFFFFF), id="a length over the limit"),
        pytest.param(struct.pack(">I", 5) + b"\xff" * 5, id="no msgpack"),
        pytest.param(struct.pack(">I", 1) + b"\x80", id="no tag"),
        pytest.param(struct.pack(">I", 100) + b"\x81", id="less than announced"),
    ],
)
def test_garbage_on_the_channel_ends_the_worker_with_its_reason(tmp_path: Path, garbage: bytes) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path))
        worker.send_bytes(garbage)
        worker.close()
        assert worker.wait() == EXIT_PROTOCOL_ERROR
        assert "not a frame" in worker.stderr()


def test_a_request_before_a_model_is_a_protocol_error() -> None:
    with WorkerProcess() as worker:
        worker.receive()
        worker.send(generate(1, "a"))
        assert worker.wait() == EXIT_PROTOCOL_ERROR


def test_an_engine_that_cannot_measure_the_machine_says_so_and_ends() -> None:
    with WorkerProcess() as worker:
        worker.receive()
        worker.send(Calibrate())
        refused = worker.receive()
        assert isinstance(refused, Failed)
        assert (refused.id, refused.code) == (0, "unsupported")
        assert worker.wait() == 0


def test_an_unknown_engine_ends_the_worker_with_a_message() -> None:
    with WorkerProcess("os") as worker:
        assert worker.receive() is None
        assert worker.wait() != 0
        assert "there is no engine named 'os'" in worker.stderr()


def test_a_busy_worker_gives_signs_of_life_with_growing_steps(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path, repeat=0, delay_ms=5, context_length=100_000))
        worker.send(generate(1, "word", max_new_tokens=100_000))
        stats = [
            worker.receive_until(lambda up: isinstance(up, Stats))[-1],
            worker.receive_until(lambda up: isinstance(up, Stats))[-1],
        ]
    assert isinstance(stats[0], Stats)
    assert isinstance(stats[1], Stats)
    assert stats[0].running == 1
    assert stats[1].steps > stats[0].steps > 0


def test_an_idle_worker_computes_nothing(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path))
        process = psutil.Process(worker.process.pid)
        before = sum(process.cpu_times()[:2])
        time.sleep(0.5)
        assert sum(process.cpu_times()[:2]) - before < 0.1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_in_the_parents_terminal_does_not_end_a_worker(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path))
        worker.process.send_signal(signal.SIGINT)
        worker.send(generate(1, "still here"))
        assert text_of(worker.receive_ends(1), 1) == "still here"


@linux_only
def test_the_kernel_is_told_to_end_a_worker_rather_than_others() -> None:
    with WorkerProcess() as worker:
        worker.receive()
        score = int(Path(f"/proc/{worker.process.pid}/oom_score_adj").read_text())
        assert score > int(Path("/proc/self/oom_score_adj").read_text())


@linux_only
def test_a_worker_holds_the_pipe_apart_from_its_standard_streams(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path))
        fds = Path(f"/proc/{worker.process.pid}/fd")
        assert (fds / "0").readlink() == Path(os.devnull)
        assert (fds / "1").readlink() == (fds / "2").readlink()


def test_large_answers_pass_whole(tmp_path: Path) -> None:
    with WorkerProcess() as worker:
        worker.load(echo_model(tmp_path, dimensions=2000))
        worker.send(Embed(1, [f"text {i}" for i in range(500)]), Classify(2, ["a"]))
        finished = ends(worker.receive_ends(1, 2))
    assert len(outcome(finished[1]).vectors) == 500 * 2000 * 4  # type: ignore[union-attr]
    assert isinstance(finished[2], Finished)


def test_a_worker_runs_a_real_model() -> None:
    with WorkerProcess("transformers") as worker:
        loaded = worker.load(tiny("llama-chat"))
        assert isinstance(loaded, Loaded)
        worker.send(
            Generate(1, "the small model", None, Sampling(temperature=0.0, max_new_tokens=8)), generate(2, "good")
        )
        finished = ends(worker.receive_ends(1, 2))
    assert outcome(finished[1]).completion_tokens == 8  # type: ignore[union-attr]


def test_the_network_is_given_up_before_a_program_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / MANIFEST).write_text("")
    done: list[str] = []
    monkeypatch.setattr("sidecar.worker.main.give_up_the_network", lambda: done.append("gave up"))

    class Opening:
        def load(self, frame: Load) -> None:
            done.append("opened")
            raise LoadFailed(model=frame.model, reason="tried")

    with (tmp_path / "up").open("wb") as up:
        assert main._load(Opening(), Load("m", str(tmp_path), "embedding"), main.Channel(up, up)) is None  # type: ignore[arg-type]
    assert done == ["gave up", "opened"]
