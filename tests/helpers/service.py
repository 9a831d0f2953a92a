"""The real service as a process of its own, in a folder of its own, on a free port.

It ends with the test that started it: by its pid, and at the latest when its standard input closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from sidecar.client import Client
from sidecar.paths import Paths
from sidecar.types import Discovery, DownloadInfo, JobInfo

T = TypeVar("T", JobInfo, DownloadInfo)
START_SECONDS = 120.0
QUIET = {"spare_worker": "false", "calibrate": "false"}
END_SECONDS = 60.0
JOB_SECONDS = 120.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class RunningService:
    """A service that is ready. `client()` is closed by who asks for it."""

    process: subprocess.Popen[bytes]
    paths: Paths
    found: Discovery

    @property
    def url(self) -> str:
        return self.found.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def token(self) -> str:
        return self.found.token

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def client(self) -> Client:
        return Client(self.url, self.token)

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def wait(self) -> int:
        """The exit status, once it has ended."""
        return self.process.wait(END_SECONDS)

    def log(self) -> str:
        return "".join(file.read_text("utf-8") for file in sorted(self.paths.log_dir.glob("sidecar.log*")))


def service_process(
    folder: Path, *words: str, command: str = "serve", stderr: IO[bytes] | int = subprocess.PIPE, **settings: object
) -> subprocess.Popen[bytes]:
    """`serve`, or another command that serves, in `folder`; not waited for. `settings` go into its environment, `words` after the command."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("INGLENOOK_", "MODEL_SERVICE_"))
    }
    environment |= {f"INGLENOOK_{key.upper()}": str(value) for key, value in settings.items()}
    given = [] if "--port" in words else ["--port", "0"]
    line = [
        sys.executable,
        "-m",
        "sidecar",
        command,
        "--data-dir",
        str(folder),
        "--until-stdin-closes",
        *given,
        *words,
    ]
    return subprocess.Popen(
        line, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
    )


def wait_until_ready(process: subprocess.Popen[bytes], folder: Path, stderr: IO[bytes]) -> RunningService:
    """Waits for the discovery file. Raises RuntimeError with what the process said when it ends instead."""
    paths = Paths.in_folder(folder)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            found = msgspec.json.decode(paths.runtime_file.read_bytes(), type=Discovery)
            if found.pid == process.pid:
                return RunningService(process, paths, found)
        if process.poll() is not None:
            stderr.seek(0)
            raise RuntimeError(f"the service ended with {process.returncode}: {stderr.read().decode()}")
        time.sleep(0.01)
    raise TimeoutError(f"no service was ready within {START_SECONDS} s")


@contextlib.contextmanager
def running_service(folder: Path, *words: str, **settings: object) -> Iterator[RunningService]:
    """A ready service for the block, without spare worker or calibration, and offline where no `hub_endpoint` is given."""
    quiet = QUIET if "hub_endpoint" in settings else QUIET | {"offline": "true"}
    with tempfile.TemporaryFile() as stderr:  # a pipe that nobody reads would stop it once it is full
        process = service_process(folder, *words, stderr=stderr, **(quiet | settings))
        try:
            yield wait_until_ready(process, folder, stderr)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End it: politely, then at once."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


async def job_ended(client: Client, job_id: str) -> JobInfo:
    """The job once it has ended."""
    return await _ended(lambda: client.job(job_id))


async def download_ended(client: Client, job_id: str) -> DownloadInfo:
    """The download once it has ended."""
    return await _ended(lambda: client.download_info(job_id))


async def _ended(look: Callable[[], Awaitable[T]]) -> T:
    async with asyncio.timeout(JOB_SECONDS):
        while (info := await look()).finished_at is None:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.02)
    return info


async def has_requests(client: Client, model: str, expected: bool) -> None:
    """Wait until requests run on the model, or until none do any more."""
    async with asyncio.timeout(END_SECONDS):
        while bool((await client.model(model)).active_requests) is not expected:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.01)
