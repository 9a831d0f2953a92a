"""The row about loading: from the request to the first token, with and without a spare worker."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from sidecar.client import Client
from sidecar.types import GenerateRequest, RegisterRequest, UpdateRequest
from tests.bench import models
from tests.bench.report import Row, Sample
from tests.bench.servers import Server, inglenook

ROUNDS = 3
SPARE_SECONDS = 30.0


def spare_worker() -> list[Row]:
    """A 0.5B model, its files in the page cache, loaded by its first request."""
    folder = models.qwen2_500m()
    with_spare, without = [], []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=True, memory_limit_mb=20_000) as server:
            asyncio.run(_spare_is_ready(server))
            with_spare.append(asyncio.run(_first_token(server, str(folder))))
        with inglenook(spare_worker=False, memory_limit_mb=20_000) as server:
            without.append(asyncio.run(_first_token(server, str(folder))))
    how = f"seconds from the first request for an unloaded 0.5B safetensors model to its first token, {ROUNDS} rounds in turn"
    return [Row("load with the spare worker", Sample(with_spare, "s"), 0.35, how, "without it", Sample(without, "s"))]


async def _spare_is_ready(server: Server) -> None:
    """Wait until the spare has imported its libraries: it then burns no more processor time."""
    deadline = time.monotonic() + SPARE_SECONDS
    used = -1.0
    while time.monotonic() < deadline:
        await asyncio.sleep(1)
        children = server.process.children(recursive=True)
        now = sum(child.cpu_times().user for child in children)
        if children and now > 1 and now == used:
            return
        used = now
    raise TimeoutError("no spare worker became ready")


async def _first_token(server: Server, folder: str) -> float:
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name="big", model_type="text_generation", model_path=folder))
        await client.update("big", UpdateRequest(keep_alive=-1))
        begun = time.perf_counter()
        request = GenerateRequest(prompt="w1 w2 w3", max_new_tokens=4, temperature=0, stream=True)
        async with aclosing(client.stream("big", request)) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    return time.perf_counter() - begun
    raise RuntimeError("the stream ended without text")
