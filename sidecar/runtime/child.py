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
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import PIPE
from typing import cast

import psutil

from sidecar import scratch
from sidecar.runtime import protocol
from sidecar.runtime.outcome import WorkerOutcome
from sidecar.runtime.protocol import Down, Frames, ProtocolError, Up

log = logging.getLogger(__name__)

STDIN, STDOUT, STDERR = 0, 1, 2
STDERR_BYTES = 8192
GRACE_S = 2.0
SOURCE_ROOT = str(Path(__file__).resolve().parents[2])
# Threads that compute together wait for each other hundreds of times a token, and waking one that sleeps takes as long as what
# they compute, on a virtual machine above all. On two such cores, looking as long as these do instead of ten microseconds: GGUF
# models 1.05 to 1.1 times as quick, a short text classified by CTranslate2 1.5 times, a sentence translated 2.1 to 2.6 times.
# Beside busy programs it is a quarter to four fifths as quick; engines notice them, and then their threads look for ten
# microseconds only (engines/openmp.py). Only GNU's OpenMP can be told so; others sleep at once.
THREADS_WAIT = (
    {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "300000"}
    if sys.platform == "linux"
    else {"OMP_WAIT_POLICY": "PASSIVE"}
)
# Torch can be told how many threads compute, and uses fewer beside busy programs (SharedCores). The others look for 0.2 ms, so
# that what runs between the operations finds room: 80M in int8 took 14.5 ms a token, 37 ms with threads that sleep at once.
# The second word, in milliseconds, is for OpenMP libraries other than GNU's.
THREADS_WAIT_IN_TORCH = {"GOMP_SPINCOUNT": "20000", "KMP_BLOCKTIME": "1"}
# A product of many rows needs some megabytes for a moment. GNU's C library gives them back to the system each time, and to take
# them again costs as much as small products: where it keeps them, 32 short texts take torch a fifth less, CTranslate2 a twelfth;
# 8 of 128 tokens a fifth and a seventh. Other C libraries have other words.
MEMORY_KEPT = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
WAITING = THREADS_WAIT.keys() | THREADS_WAIT_IN_TORCH.keys()
_SECRETS = ("TOKEN", "KEY", "SECRET", "PASSWORD", "CREDENTIALS")
_NETWORK = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")


def threads_wait(engine: str) -> dict[str, str]:
    """What an engine's threads do while they wait for each other."""
    return THREADS_WAIT_IN_TORCH if engine == "transformers" else THREADS_WAIT


def worker_environment(environment: Mapping[str, str], engine: str) -> dict[str, str]:
    """`environment` without secrets and proxies, and with the hub's libraries told to stay offline."""
    kept = {name: value for name, value in environment.items() if not _is_private(name)}
    if not getattr(sys, "frozen", False):
        kept["PYTHONPATH"] = os.pathsep.join([SOURCE_ROOT, *filter(None, [kept.get("PYTHONPATH")])])
    return {
        **MEMORY_KEPT,
        **kept,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",  # that torch is not there is meant, where it is not
        **({} if WAITING & environment.keys() else threads_wait(engine)),
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


class Child(asyncio.SubprocessProtocol):
    """One process. All methods belong to the event loop's thread.

    It hears its pipes itself, without asyncio's streams between: a token costs the event loop a turn less.
    """

    def __init__(self, engine: str) -> None:
        loop = asyncio.get_running_loop()
        self._engine = engine
        self._frames = Frames()
        self._take: Callable[[Up], None] | None = None
        self._output_ended: asyncio.Future[None] = loop.create_future()
        self._stderr_ended = asyncio.Event()
        self._gone = asyncio.Event()
        self._tail = b""
        self._line = b""  # of stderr, the begun one

    @classmethod
    async def spawn(cls, engine: str) -> Child:
        """Raises OSError when the system refuses another process."""
        _, child = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(engine),
            *worker_command(engine),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            close_fds=True,
            env=worker_environment(os.environ, engine),
            # Ctrl-C in a terminal is for the service, which then ends its workers in order.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        return child

    async def frames(self, take: Callable[[Up], None]) -> None:
        """Hand every frame to `take` until the process ends its output. Raises ProtocolError when one is none."""
        self._take = take
        self._hand_over()
        await self._output_ended

    def send(self, frame: Down) -> None:
        """Queue one frame. To a process that is gone it is lost: its end is noticed elsewhere. Raises ProtocolError."""
        if not self._stdin.is_closing():
            self._stdin.write(protocol.encode(frame))

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._transport.kill()

    async def end(self) -> WorkerOutcome:
        """Make sure that it is gone: close its stdin, then terminate, then kill, each with a time limit."""
        self._stdin.close()
        for stop in (self._transport.terminate, self._transport.kill):
            if await _within(GRACE_S, self._gone):
                break
            with contextlib.suppress(ProcessLookupError):
                stop()
        await self._gone.wait()
        await asyncio.to_thread(scratch.remove_folders_of, self.pid)
        await _within(GRACE_S, self._stderr_ended)  # no longer: a grandchild may still hold the pipe
        self._transport.close()
        return WorkerOutcome(cast("int", self._transport.get_returncode()), self._tail.decode("utf-8", "replace"))

    async def memory_bytes(self) -> int:
        """Resident memory now; 0 when the process is gone."""
        try:
            return await asyncio.to_thread(lambda: int(psutil.Process(self.pid).memory_info().rss))
        except psutil.Error:
            return 0

    # ---- what the event loop calls ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(STDIN))
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == STDERR:
            self._keep(data)
        else:
            self._frames.add(data)
            self._hand_over()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == STDERR:
            self._stderr_ended.set()
        elif fd == STDOUT and not self._output_ended.done():
            self._output_ended.set_result(None)

    def process_exited(self) -> None:
        self._gone.set()

    def _hand_over(self) -> None:
        if self._take is None or self._output_ended.done():
            return
        try:
            for frame in self._frames.take():
                self._take(frame)
        except ProtocolError as error:
            self._output_ended.set_exception(error)

    def _keep(self, written: bytes) -> None:
        """Keep the end of stderr, and pass every line on to the log, where it is only of interest when something went wrong."""
        self._tail = (self._tail + written)[-STDERR_BYTES:]
        *lines, rest = (self._line + written).split(b"\n")
        self._line = rest[-STDERR_BYTES:]
        for complete in lines:
            log.debug("worker %d (%s): %s", self.pid, self._engine, complete.decode("utf-8", "replace"))


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
