"""Rows about the service's front process: what it costs around a model, and how soon it is there."""

from __future__ import annotations

import asyncio
import compileall
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sidecar.client import Client
from sidecar.types import RegisterRequest
from tests.bench import models
from tests.bench.listening import Connection
from tests.bench.pace import Rounds
from tests.bench.report import Row, Sample
from tests.bench.servers import Server, inglenook

ROOT = Path(__file__).resolve().parents[2]
ASKED = 2000
REQUESTS = 400  # of a round
ROUNDS = 7
WARM_UP = 100
STARTS = 9
LIKE_SERVE = (
    "import gc\ngc.disable()\nfrom sidecar import certificates\nwith certificates.unread():\n    import sidecar.server"
)


def overhead() -> list[Row]:
    """One request after another through HTTP, queue, worker and back, with the echo engine."""
    rounds: Rounds[tuple[float, float]] = Rounds(ROUNDS)
    asked = 0
    with _echo() as (server, connection):
        before = server.tree_cpu_seconds()
        for _ in rounds:
            latencies = sorted(1000 * connection.round_trip() for _ in range(REQUESTS))
            rounds.figures.append((latencies[REQUESTS // 2], latencies[int(REQUESTS * 0.99)]))
            asked += REQUESTS
        spent_ms = 1000 * (server.tree_cpu_seconds() - before) / asked
    halves, slowest = zip(*rounds.figures, strict=True)
    why = f"processor time of service and worker: {spent_ms:.2f} ms a request; the rest is waiting for each other"
    how = f"{REQUESTS} requests of one word, one after another on one connection, from a light client in another process, {rounds}"
    return [
        Row("front overhead, p50", Sample(halves, "ms"), 1.5, how, notes=[why]),
        Row("front overhead, p99", Sample(slowest, "ms"), None, how),
    ]


def memory() -> list[Row]:
    """Resident memory of the front with one model loaded, after many requests."""
    with _echo() as (server, connection):
        for _ in range(ASKED):
            connection.round_trip()
        figure = server.front_memory_mb()
    how = f"resident memory after {ASKED} requests, workers apart"
    return [Row("memory of the front", Sample([figure], "MB"), 80, how)]


def start() -> list[Row]:
    """From the start of the process until it answers /health, its modules compiled as in an installed copy."""
    rounds: Rounds[tuple[float, float]] = Rounds(STARTS)
    compileall.compile_dir(ROOT / "sidecar", quiet=1)
    for _ in rounds:
        begun = time.monotonic()
        with inglenook(spare_worker=False) as server:
            rounds.figures.append((time.monotonic() - begun, server.cpu_seconds()))
    wall, cpu = zip(*rounds.figures, strict=True)
    how = f"from the start of the process until GET /health answers, its modules compiled, without a spare worker, {rounds}"
    bare, server_too = _imported(""), _imported(LIKE_SERVE)
    why = f"measured beside it: the interpreter alone {bare:.2f} s, importing the service {server_too - bare:.2f} s"
    return [
        Row("import to ready, processor time", Sample(cpu, "s"), 0.6, how, notes=[why]),
        Row("import to ready, wall time", Sample(wall, "s"), None, how),
    ]


def _imported(words: str) -> float:
    """Seconds of processor time until an interpreter has done that, the median of the starts."""
    line = [sys.executable, "-c", f"{words}\nimport time; print(time.process_time())"]
    return statistics.median(float(subprocess.check_output(line, cwd=ROOT)) for _ in range(STARTS))


@contextmanager
def _echo() -> Iterator[tuple[Server, Connection]]:
    """A service with the echo engine, which has answered before, and a connection to ask it on."""
    with inglenook(spare_worker=False) as server:
        asyncio.run(_register(server))
        body = {"prompt": "word", "max_new_tokens": 1}
        with closing(Connection(f"{server.url}/models/echo/generate", body, server.token)) as connection:
            for _ in range(WARM_UP):
                connection.round_trip()
            yield server, connection


async def _register(server: Server) -> None:
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=str(models.echo())))
