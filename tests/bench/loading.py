"""The rows about loading: how soon the first token comes, with and without a spare worker; what is left after unloading."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

from sidecar.client import Client
from sidecar.types import GenerateRequest, RegisterRequest
from tests.bench import models
from tests.bench.report import Row, Sample
from tests.bench.servers import Server, data_folder, inglenook, inglenook_in

ROUNDS = 3
KEPT_SECONDS = 120.0
HOW = "seconds from the request to load a 0.5B safetensors model to the first token of its first answer"


def spare_worker() -> list[Row]:
    """A 0.5B model whose files are in the page cache: first rounded and tried, then from what that load kept on disk."""
    model = str(models.qwen2_500m())
    with_spare, without = [], []
    with data_folder() as data:
        with inglenook_in(data, spare_worker=False, memory_limit_mb=20_000) as server:
            first = asyncio.run(_first_token(server, model))
            runs = server.runs("big")
            _wait_until_kept(data)
        for _ in range(ROUNDS):
            with inglenook_in(data, spare_worker=True, memory_limit_mb=20_000) as server:
                asyncio.run(server.quiet())
                with_spare.append(asyncio.run(_first_token(server, model)))
            with inglenook_in(data, spare_worker=False, memory_limit_mb=20_000) as server:
                without.append(asyncio.run(_first_token(server, model)))
    again = f"{HOW}, which an earlier load has rounded and kept on disk, {ROUNDS} rounds in turn"
    once = f"{HOW}, which is rounded to 8 bits and tried, without the spare worker; once"
    return [
        Row(
            "load with the spare worker",
            Sample(with_spare, "s"),
            0.35,
            again,
            "without it",
            Sample(without, "s"),
            notes=[runs],
        ),
        Row(
            "load for the first time",
            Sample([first], "s"),
            None,
            once,
            "again",
            Sample([without[0]], "s"),
            notes=[runs],
        ),
    ]


def unload() -> list[Row]:
    """What all processes of the service hold once the model has answered and is unloaded, beside what they held before."""
    with inglenook(spare_worker=False) as server:
        before, after = asyncio.run(_memory_around(server, str(models.smollm2_135m())))
        runs = server.runs("model")
    how = f"resident memory of all processes before the first load, and after a 135M safetensors model answered and was unloaded, {ROUNDS} times"
    return [
        Row(
            "memory after unloading",
            Sample(after, "MB"),
            1.05,
            how,
            "before loading",
            Sample(before, "MB"),
            notes=[runs],
        )
    ]


async def _memory_around(server: Server, folder: str) -> tuple[list[float], list[float]]:
    async with Client(server.url, server.token) as client:
        before = [server.memory_mb()] * ROUNDS
        await client.register(RegisterRequest(name="model", model_type="text_generation", model_path=folder))
        after = []
        for _ in range(ROUNDS):
            await client.load("model")
            await client.generate("model", GenerateRequest(prompt="w1 w2 w3", max_new_tokens=16))
            await client.unload("model")
            after.append(server.memory_mb())
        return before, after


def _wait_until_kept(data: Path) -> None:
    deadline = time.monotonic() + KEPT_SECONDS
    while not list(data.glob("derived/*/transformers/int8.safetensors.seal")):
        if time.monotonic() > deadline:
            raise TimeoutError("the rounded weights were not kept")
        time.sleep(0.1)


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
