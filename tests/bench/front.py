"""Rows about the service's front process: what it costs around a model, and how soon it is there."""

from __future__ import annotations

import asyncio
import compileall
import statistics
import subprocess
import sys
import time
from pathlib import Path

from sidecar.client import Client
from sidecar.types import GenerateRequest, RegisterRequest
from tests.bench import models
from tests.bench.report import Row, Sample
from tests.bench.servers import Server, inglenook

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 2000
STARTS = 5
LIKE_SERVE = (
    "import gc\ngc.disable()\nfrom sidecar import certificates\nwith certificates.unread():\n    import sidecar.server"
)


def overhead() -> list[Row]:
    """One request after another through HTTP, queue, worker and back, with the echo engine."""
    with inglenook(spare_worker=False) as server:
        before = server.tree_cpu_seconds()
        latencies = sorted(asyncio.run(_latencies(server)))
        spent_ms = 1000 * (server.tree_cpu_seconds() - before) / len(latencies)
    why = f"processor time of service and worker: {spent_ms:.2f} ms a request, the load included; the rest is the client's or waiting"
    how = f"{REQUESTS} requests of one word, one after another on one connection, from a client in another process"
    return [
        Row("front overhead, p50", Sample([latencies[len(latencies) // 2]], "ms"), 1.5, how, notes=[why]),
        Row("front overhead, p99", Sample([latencies[int(len(latencies) * 0.99)]], "ms"), None, how),
    ]


def memory() -> list[Row]:
    """Resident memory of the front with one model loaded, after the requests of `overhead`."""
    with inglenook(spare_worker=False) as server:
        asyncio.run(_latencies(server))
        figure = server.front_memory_mb()
    return [
        Row(
            "memory of the front",
            Sample([figure], "MB"),
            80,
            f"resident memory after {REQUESTS} requests, workers apart",
        )
    ]


def start() -> list[Row]:
    """From the start of the process until it answers /health, its modules compiled as in an installed copy."""
    cpu, wall = [], []
    compileall.compile_dir(ROOT / "sidecar", quiet=1)
    for _ in range(STARTS):
        begun = time.monotonic()
        with inglenook(spare_worker=False) as server:
            wall.append(time.monotonic() - begun)
            cpu.append(server.cpu_seconds())
    how = f"from the start of the process until GET /health answers, {STARTS} starts of compiled modules, without a spare worker"
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


async def _latencies(server: Server) -> list[float]:
    """Milliseconds of each request, after a warm-up."""
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=str(models.echo())))
        request = GenerateRequest(prompt="word", max_new_tokens=1)
        measured = [await _one(client, request) for _ in range(REQUESTS + 100)]
    return measured[100:]


async def _one(client: Client, request: GenerateRequest) -> float:
    begun = time.perf_counter()
    await client.generate("echo", request)
    return (time.perf_counter() - begun) * 1000
