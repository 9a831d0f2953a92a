"""Rows about generation over HTTP: our service and `transformers serve` on the same 135M model, in turn."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import aiohttp

from sidecar.client import Client
from sidecar.types import GenerateRequest, Message, RegisterRequest
from tests.bench import models
from tests.bench.report import Row, Sample
from tests.bench.servers import Server, inglenook, transformers_serve

ROUNDS = 3
TOKENS = 64
PROMPT = " ".join(f"w{number}" for number in range(20))


@dataclass(frozen=True)
class Speed:
    """Tokens per second of all streams together, seconds to the first token (mean), memory of the server afterwards."""

    tokens_per_second: float
    first_token_s: float
    memory_mb: float


def one_stream() -> list[Row]:
    return _rows(streams=1, target=1.5, continuous_batching=False)


def eight_streams() -> list[Row]:
    return _rows(streams=8, target=2.5, continuous_batching=True)


def _rows(*, streams: int, target: float, continuous_batching: bool) -> list[Row]:
    folder = models.smollm2_135m()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=False) as server:
            ours.append(asyncio.run(_ours(server, str(folder), streams)))
        with transformers_serve(folder, continuous_batching=continuous_batching) as server:
            theirs.append(asyncio.run(_theirs(server, str(folder), streams)))
    peer = "transformers serve" + (", continuous batching" if continuous_batching else "")
    what = f"safetensors chat, {streams} stream{'s' if streams > 1 else ''}"
    how = f"135M fp32, {TOKENS} greedy tokens a stream, all tokens over wall time from the first token on, {ROUNDS} rounds in turn"
    return [
        Row(
            what,
            Sample([speed.tokens_per_second for speed in ours], "tok/s"),
            target,
            how,
            peer,
            Sample([speed.tokens_per_second for speed in theirs], "tok/s"),
            higher_is_better=True,
        ),
        Row(
            f"{what}, first token",
            Sample([speed.first_token_s for speed in ours], "s"),
            None,
            "mean over the streams",
            peer,
            Sample([speed.first_token_s for speed in theirs], "s"),
        ),
        Row(
            f"{what}, memory",
            Sample([speed.memory_mb for speed in ours], "MB"),
            None if streams == 1 else 1 / 3,
            "resident memory of all processes of the server after the run",
            peer,
            Sample([speed.memory_mb for speed in theirs], "MB"),
        ),
    ]


async def _ours(server: Server, folder: str, streams: int) -> Speed:
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name="bench", model_type="text_generation", model_path=folder))
        await server.quiet()  # arranging the rounded weights goes on after the load

        async def times(tokens: int) -> AsyncIterator[float]:
            messages = [Message("user", PROMPT)]
            request = GenerateRequest(messages=messages, max_new_tokens=tokens, temperature=0, stream=True)
            async with aclosing(client.stream("bench", request)) as chunks:
                async for chunk in chunks:
                    if chunk.text:
                        yield time.perf_counter()

        return await measured_speed(server, streams, times)


async def _theirs(server: Server, folder: str, streams: int) -> Speed:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session:

        async def times(tokens: int) -> AsyncIterator[float]:
            body = {
                "model": folder,
                "messages": [{"role": "user", "content": PROMPT}],
                "stream": True,
                "max_tokens": tokens,
                "temperature": 0,
                "generation_config": json.dumps({"max_new_tokens": tokens, "do_sample": False}),
            }
            async with session.post(server.url + "/v1/chat/completions", json=body) as response:
                response.raise_for_status()
                async for line in response.content:
                    if has_text(line):
                        yield time.perf_counter()

        return await measured_speed(server, streams, times)


def has_text(line: bytes) -> bool:
    if not line.startswith(b"data: {"):
        return False
    choices = json.loads(line[6:]).get("choices") or [{}]
    return bool(choices[0].get("delta", {}).get("content"))


async def measured_speed(server: Server, streams: int, times, tokens: int = TOKENS) -> Speed:  # type: ignore[no-untyped-def]
    """Warm up with a short answer, then run all streams at once."""
    async for _ in times(4):
        pass
    begun = time.perf_counter()
    arrivals = await asyncio.gather(*(_collect(times(tokens)) for _ in range(streams)))
    first = min(moments[0] for moments in arrivals)
    last = max(moments[-1] for moments in arrivals)
    first_tokens = [moments[0] - begun for moments in arrivals]
    return Speed((streams * tokens - 1) / (last - first), sum(first_tokens) / streams, server.memory_mb())


async def _collect(moments: AsyncIterator[float]) -> list[float]:
    return [moment async for moment in moments]
