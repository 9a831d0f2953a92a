"""What workers leave in the system's temporary folder when they are ended amid their work, or killed with the service."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sidecar import scratch
from sidecar.errors import LoadFailed
from sidecar.runtime.protocol import Calibrate
from sidecar.runtime.worker import Worker

MEASURING = "llamacpp"  # writes models of a hundred megabytes to measure with


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


async def measuring(temporary: Path) -> tuple[Worker, asyncio.Task[object]]:
    """A worker amid a measurement, its folder written."""
    worker = await Worker.start(MEASURING, stall_timeout_s=60)
    task: asyncio.Task[object] = asyncio.create_task(worker.calibrate(Calibrate(), 60))
    async with asyncio.timeout(60):
        while not left(temporary, f"*-{worker.pid}-*/*"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return worker, task


def left(temporary: Path, pattern: str = "*") -> list[Path]:
    return list(temporary.glob(pattern))


async def test_a_measurement_that_is_given_up_leaves_nothing(temporary: Path) -> None:
    worker, task = await measuring(temporary)
    await worker.close()
    with pytest.raises(LoadFailed, match="ended"):
        await task
    assert not left(temporary)


async def test_a_worker_that_is_killed_leaves_nothing(temporary: Path) -> None:
    worker, task = await measuring(temporary)
    os.kill(worker.pid, signal.SIGKILL)
    await asyncio.wait([task])
    await worker.ended
    assert not left(temporary)
    assert isinstance(task.exception(), LoadFailed)


def test_what_a_worker_left_whose_service_was_killed_too_goes_with_the_next_folder(temporary: Path) -> None:
    program = "from sidecar import scratch; (scratch.new_folder() / 'model').write_bytes(b'x')"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert len(left(temporary, "*/model")) == 1
    own = scratch.new_folder()
    assert left(temporary) == [own]
    assert own.stat().st_mode & 0o777 == 0o700


def test_folders_of_processes_that_live_stay(temporary: Path) -> None:
    own, parents = scratch.new_folder(), temporary / f"{scratch.PREFIX}{os.getppid()}-abc"
    parents.mkdir()
    scratch.remove_folders_of(os.getpid())
    scratch.new_folder()
    assert parents.is_dir()
    assert not own.exists()
