"""The row about loading: from the request to the first token, with and without a spare worker."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from sidecar.client import Client
from sidecar.types import GenerateRequest, RegisterRequest
from tests.bench import models
from tests.bench.report import Row, Sample
from tests.bench.servers import Server, inglenook

ROUNDS = 3
SPARE_SECONDS = 30.0


def spare_worker() -> list[Row]:
    """A 0.5B model whose files are in the page cache."""
    folder = models.qwen2_500m()
    with_spare, without = [], []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=True, memory_limit_mb=20_000) as server:
            asyncio.run(_spare_is_ready(server))
            with_spare.append(asyncio.run(_first_token(server, str(folder))))
        with inglenook(spare_worker=False, memory_limit_mb=20_000) as server:
            without.append(asyncio.run(_first_token(server, str(folder))))
    how = f"seconds from the request to load a 0.5B safetensors model to the first token of its first answer, {ROUNDS} rounds in turn"
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
    """Seconds from making the model known, which loads it, to the first token of its first answer."""
    async with Client(server.url, server.token) as client:
        begun = time.perf_counter()
        await client.register(RegisterRequest(name="big", model_type="text_generation", model_path=folder))
        request = GenerateRequest(prompt="w1 w2 w3", max_new_tokens=4, temperature=0, stream=True)
        async with aclosing(client.stream("big", request)) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    return time.perf_counter() - begun
    raise RuntimeError("the stream ended without text")
