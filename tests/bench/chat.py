"""Rows about generation over HTTP: our service and `transformers serve` on the same 135M model, in turn."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from sidecar.client import Client
from sidecar.types import RegisterRequest
from tests.bench import models
from tests.bench.listening import moments, together
from tests.bench.report import Row, Sample
from tests.bench.servers import Server, inglenook, peer_versions, transformers_serve

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
    notes: list[str] = []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=False) as server:
            ours.append(_ours(server, str(folder), streams))
            notes = [server.runs("bench"), peer_versions("transformers", "torch")]
        with transformers_serve(folder, continuous_batching=continuous_batching) as server:
            theirs.append(_theirs(server, str(folder), streams))
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
            notes=notes,
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


def _ours(server: Server, folder: str, streams: int) -> Speed:
    asyncio.run(_loaded(server, folder))
    body = {"messages": [{"role": "user", "content": PROMPT}], "stream": True, "temperature": 0}

    def times(tokens: int) -> list[float]:
        return moments(f"{server.url}/models/bench/generate", body | {"max_new_tokens": tokens}, server.token)

    return _measured(server, streams, times)


async def _loaded(server: Server, folder: str) -> None:
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name="bench", model_type="text_generation", model_path=folder))
    await server.quiet()  # arranging the rounded weights goes on after the load


def _theirs(server: Server, folder: str, streams: int) -> Speed:
    def times(tokens: int) -> list[float]:
        body = {
            "model": folder,
            "messages": [{"role": "user", "content": PROMPT}],
            "stream": True,
            "max_tokens": tokens,
            "temperature": 0,
            "generation_config": json.dumps({"max_new_tokens": tokens, "do_sample": False}),
        }
        return moments(server.url + "/v1/chat/completions", body)

    return _measured(server, streams, times)


def _measured(server: Server, streams: int, times: Callable[[int], list[float]]) -> Speed:
    """Warm up with a short answer, then run all streams at once."""
    times(4)
    begun = time.perf_counter()
    arrivals = together(times, [TOKENS] * streams)
    first = min(came[0] for came in arrivals)
    last = max(came[-1] for came in arrivals)
    first_tokens = [came[0] - begun for came in arrivals]
    return Speed((streams * TOKENS - 1) / (last - first), sum(first_tokens) / streams, server.memory_mb())
