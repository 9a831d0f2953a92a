"""A worker's process and its pipes: start, frames in and out, the end of its stderr, ending it.

The process gets an environment without secrets and without the network's settings. It learns of this process's death
by the end of its stdin, so nothing else may hold that pipe: descriptors are closed in every child.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path

import psutil

from sidecar.runtime import protocol
from sidecar.runtime.outcome import WorkerOutcome
from sidecar.runtime.protocol import Down, Up

log = logging.getLogger(__name__)

STDERR_BYTES = 8192
STDERR_CHUNK = 4096
GRACE_S = 2.0
READ_BUFFER = 1 << 20  # vectors come by the megabyte
SOURCE_ROOT = str(Path(__file__).resolve().parents[2])
# Threads that wait for each other sleep, after spinning for a thousand looks (a few microseconds). Beside a busy program
# spinning for as long as the library would costs a factor of ten; not spinning at all costs a quarter of llama.cpp's
# speed on an idle machine, because its threads meet hundreds of times a token. Other OpenMP libraries than GNU's read the
# first word only.
THREADS_WAIT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
_SECRETS = ("TOKEN", "KEY", "SECRET", "PASSWORD", "CREDENTIALS")
_NETWORK = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without secrets and proxies, and with the hub's libraries told to stay offline."""
    kept = {name: value for name, value in environment.items() if not _is_private(name)}
    if not getattr(sys, "frozen", False):
        kept["PYTHONPATH"] = os.pathsep.join([SOURCE_ROOT, *filter(None, [kept.get("PYTHONPATH")])])
    return kept | {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",  # that torch is not there is meant, where it is not
        **({} if THREADS_WAIT.keys() & environment.keys() else THREADS_WAIT),
        # numpy's products are small here, and its threads spin after each, against the engine's own: a third of a short text.
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONFAULTHANDLER": "1",  # a segmentation fault leaves its stack in stderr
        "PYTHONUNBUFFERED": "1",
    }


def _is_private(name: str) -> bool:
    upper = name.upper()
    return (
        any(upper == word or upper.endswith("_" + word) for word in _SECRETS)
        or upper.startswith("HF_TOKEN")
        or name.lower() in _NETWORK
    )


def worker_command(engine: str) -> list[str]:
    """The words that start a worker: this program itself, or in a source tree the interpreter with the package."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "sidecar"]
    return [*program, "worker", "--engine", engine]


class Child:
    """One process. All methods belong to the event loop's thread."""

    def __init__(self, process: Process, engine: str) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ValueError("a worker needs its three pipes")
        self.pid = process.pid
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._tail = b""
        self._stderr = asyncio.create_task(self._keep_stderr(process.stderr, engine), name=f"worker {self.pid} stderr")

    @classmethod
    async def spawn(cls, engine: str) -> Child:
        """Raises OSError when the system refuses another process."""
        process = await asyncio.create_subprocess_exec(
            *worker_command(engine),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            close_fds=True,
            limit=READ_BUFFER,
            env=worker_environment(os.environ),
            # Ctrl-C in a terminal is for the service, which then ends its workers in order.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        return cls(process, engine)

    async def receive(self) -> Up | None:
        """The next frame, None at the end. Raises ProtocolError when what came is not a frame."""
        try:
            header = await self._stdout.readexactly(protocol.HEADER.size)
            return protocol.decode_up(await self._stdout.readexactly(protocol.payload_length(header)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def send(self, frame: Down) -> None:
        """Queue one frame. To a process that is gone it is lost: the reader reports the death. Raises ProtocolError."""
        if not self._stdin.is_closing():
            self._stdin.write(protocol.encode(frame))

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> WorkerOutcome:
        """Make sure that it is gone: close its stdin, then terminate, then kill, each with a time limit."""
        self._stdin.close()
        for stop in (self._process.terminate, self._process.kill):
            if await self._gone_within(GRACE_S):
                break
            with contextlib.suppress(ProcessLookupError):
                stop()
        returncode = await self._process.wait()
        await asyncio.wait({self._stderr}, timeout=GRACE_S)  # no longer: a grandchild may still hold the pipe
        return WorkerOutcome(returncode, self._tail.decode("utf-8", "replace"))

    async def _gone_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def memory_bytes(self) -> int:
        """Resident memory now; 0 when the process is gone."""
        try:
            return await asyncio.to_thread(lambda: int(psutil.Process(self.pid).memory_info().rss))
        except psutil.Error:
            return 0

    async def _keep_stderr(self, stream: asyncio.StreamReader, engine: str) -> None:
        """Keep the end, and pass every line on to the log, where it is only of interest when something went wrong."""
        line = b""
        while chunk := await stream.read(STDERR_CHUNK):
            self._tail = (self._tail + chunk)[-STDERR_BYTES:]
            *lines, line = (line + chunk).split(b"\n")
            line = line[-STDERR_BYTES:]
            for complete in lines:
                log.debug("worker %d (%s): %s", self.pid, engine, complete.decode("utf-8", "replace"))
