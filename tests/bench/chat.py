"""Rows about generation over HTTP: our service and `transformers serve` on the same model, in turn."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sidecar.client import Client
from sidecar.types import RegisterRequest
from tests.bench import models
from tests.bench.listening import moments, together
from tests.bench.report import Row, Sample
from tests.bench.servers import Server, inglenook, peer_versions, transformers_serve

NAME = "bench"
ROUNDS = 3
PROMPT = " ".join(f"w{number}" for number in range(20))


@dataclass(frozen=True)
class Setting:
    """What both sides run, and where. `memory_mb`: of a server after the run; `memory`: what that is."""

    what: str
    model: Callable[[], Path]
    shape: str
    tokens: int
    device: str
    memory_mb: Callable[[Server], float]
    memory: str


def gpu_memory_mb(server: Server) -> float:
    """What is taken of the first GPU by all programs. Both sides keep what they once had, so that afterwards is the peak."""
    command = ["nvidia-smi", "--id=0", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    return float(subprocess.check_output(command)) * 2**20 / 1e6


ON_CPU = Setting(
    what="safetensors chat",
    model=models.smollm2_135m,
    shape="135M fp32",
    tokens=64,
    device="cpu",
    memory_mb=Server.memory_mb,
    memory="resident memory of all processes of the server after the run",
)
ON_GPU = Setting(
    what="safetensors chat on a GPU",
    model=models.llama_3b,
    shape="3B bf16",
    tokens=256,
    device="cuda:0",
    memory_mb=gpu_memory_mb,
    memory="memory of the GPU that is taken after the run, which is the most that was",
)


@dataclass(frozen=True)
class Speed:
    """Tokens per second of all streams together, seconds to the first token (mean), memory of the server afterwards."""

    tokens_per_second: float
    first_token_s: float
    memory_mb: float


def one_stream() -> list[Row]:
    return rows(ON_CPU, streams=1, target=1.5, continuous_batching=False)


def eight_streams() -> list[Row]:
    return rows(ON_CPU, streams=8, target=2.5, memory_target=1 / 3)


def gpu_eight_streams() -> list[Row]:
    return rows(ON_GPU, streams=8)


def gpu_64_streams() -> list[Row]:
    return rows(ON_GPU, streams=64)


def rows(
    setting: Setting,
    *,
    streams: int,
    target: float | None = None,
    memory_target: float | None = None,
    continuous_batching: bool = True,
) -> list[Row]:
    """Speed, time to the first token and memory of both."""
    folder = setting.model()
    ours, theirs = [], []
    notes: list[str] = []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=False, max_sequences=max(8, streams)) as server:
            ours.append(_ours(server, folder, setting, streams))
            notes = [server.runs(NAME), peer_versions("transformers", "torch")]
        with transformers_serve(folder, continuous_batching=continuous_batching, device=setting.device) as server:
            theirs.append(_theirs(server, folder, setting, streams))
    peer = "transformers serve" + (", continuous batching" if continuous_batching else "")
    what = f"{setting.what}, {streams} stream{'s' if streams > 1 else ''}"
    how = (
        f"{setting.shape}, {setting.tokens} greedy tokens a stream, all tokens over wall time from the first token on,"
        f" {ROUNDS} rounds in turn"
    )
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
            memory_target,
            setting.memory,
            peer,
            Sample([speed.memory_mb for speed in theirs], "MB"),
        ),
    ]


def _ours(server: Server, folder: Path, setting: Setting, streams: int) -> Speed:
    asyncio.run(_loaded(server, folder, setting.device))
    body = {"messages": [{"role": "user", "content": PROMPT}], "stream": True, "temperature": 0}

    def times(tokens: int) -> list[float]:
        return moments(f"{server.url}/models/{NAME}/generate", body | {"max_new_tokens": tokens}, server.token)

    return _measured(server, setting, streams, times)


async def _loaded(server: Server, folder: Path, device: str) -> None:
    async with Client(server.url, server.token) as client:
        await client.register(
            RegisterRequest(name=NAME, model_type="text_generation", model_path=str(folder), device=device)
        )
    await server.quiet()  # arranging the rounded weights goes on after the load


def _theirs(server: Server, folder: Path, setting: Setting, streams: int) -> Speed:
    def times(tokens: int) -> list[float]:
        body = {
            "model": str(folder),
            "messages": [{"role": "user", "content": PROMPT}],
            "stream": True,
            "max_tokens": tokens,
            "temperature": 0,
            "generation_config": json.dumps({"max_new_tokens": tokens, "do_sample": False}),
        }
        return moments(server.url + "/v1/chat/completions", body)

    return _measured(server, setting, streams, times)


def _measured(server: Server, setting: Setting, streams: int, times: Callable[[int], list[float]]) -> Speed:
    """Warm up with a short answer, then run all streams at once."""
    times(4)
    begun = time.perf_counter()
    arrivals = together(times, [setting.tokens] * streams)
    first = min(came[0] for came in arrivals)
    last = max(came[-1] for came in arrivals)
    first_tokens = [came[0] - begun for came in arrivals]
    aggregate = (streams * setting.tokens - 1) / (last - first)
    return Speed(aggregate, sum(first_tokens) / streams, setting.memory_mb(server))
