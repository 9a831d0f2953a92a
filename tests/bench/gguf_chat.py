"""Rows about GGUF models: our service over HTTP beside the same build of llama.cpp, called directly or serving itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import aiohttp
import psutil

from sidecar.client import Client
from sidecar.types import GenerateRequest, GenerateResponse, Message, RegisterRequest
from tests.bench import models
from tests.bench.chat import PROMPT, ROUNDS, Speed, has_text, measured_speed
from tests.bench.llamacpp_peer import GREEDY
from tests.bench.report import Row, Sample
from tests.bench.servers import ROOT, Server, free_port, healthy, inglenook, running, wait_until
from tests.helpers.gguf_models import write_decoder

TOKENS = 128
# Our workers' threads sleep while they wait; the peer gets the same, so that only the way to the library differs.
SAME_ENVIRONMENT = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONPATH": str(ROOT)}
PREFIX_CHARACTERS = 2000  # the tokenizer of the random models makes a token of each


def one_stream() -> list[Row]:
    """Decoding only, so that the prompt's reading does not blur it."""
    file = _quantized()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=False) as server:
            ours.append(asyncio.run(_ours(server, file, 1)).tokens_per_second)
        theirs.append(float(_peer(file, "direct", str(TOKENS))))
    how = f"135M Q8_0, {TOKENS} greedy tokens from the first on, ours over HTTP, {ROUNDS} rounds in turn"
    return [
        Row("GGUF chat, 1 stream", Sample(ours, "tok/s"), 0.97, how, "llama.cpp called directly",
            Sample(theirs, "tok/s"), higher_is_better=True)
    ]  # fmt: skip


def eight_streams() -> list[Row]:
    file = _quantized()
    ours, theirs = [], []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=False) as server:
            ours.append(asyncio.run(_ours(server, file, 8)))
        with _llama_server(file, slots=8) as server:
            theirs.append(asyncio.run(_theirs(server, 8)))
    how = f"135M Q8_0, {TOKENS} greedy tokens a stream, all tokens over wall time, {ROUNDS} rounds in turn"
    peer = "llama.cpp's own server, 8 slots"
    return [
        Row("GGUF chat, 8 streams", Sample([one.tokens_per_second for one in ours], "tok/s"), 1.0, how, peer,
            Sample([one.tokens_per_second for one in theirs], "tok/s"), higher_is_better=True),
        Row("GGUF chat, 8 streams, memory", Sample([one.memory_mb for one in ours], "MB"), None,
            "resident memory of all processes after the run", peer, Sample([one.memory_mb for one in theirs], "MB")),
    ]  # fmt: skip


def prefix() -> list[Row]:
    """The second question of a conversation computes only what is new."""
    file = _quantized()
    firsts, seconds = [], []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=False) as server:
            first, second = asyncio.run(_prefix_times(server, file))
            firsts.append(first)
            seconds.append(second)
    how = f"135M Q8_0, a prefix of {PREFIX_CHARACTERS} tokens, time to the first token over HTTP, {ROUNDS} rounds"
    return [
        Row("GGUF, second question on a prefix", Sample(seconds, "s"), 0.1, how, "the first question",
            Sample(firsts, "s"))
    ]  # fmt: skip


def _quantized() -> Path:
    """SmolLM2-135M's shape in Q8_0, made once beside the float32 model."""
    folder = models.smollm2_135m()
    file = folder.with_name(f"{folder.name}-q8_0.gguf")
    if not file.exists():
        unfinished = file.with_suffix(".part")
        write_decoder(folder, unfinished, quantized=True)
        unfinished.rename(file)
    return file


def _peer(*arguments: object) -> str:
    command = [sys.executable, "-m", "tests.bench.llamacpp_peer", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=SAME_ENVIRONMENT, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def _llama_server(file: Path, slots: int) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.llamacpp_peer", str(file), "serve", str(slots), str(port)]
    with running(command, SAME_ENVIRONMENT) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until(process, lambda: healthy(url))
        yield Server(url, psutil.Process(process.pid))


async def _ours(server: Server, file: Path, streams: int) -> Speed:
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name="bench", model_type="text_generation", model_path=str(file)))

        async def times(tokens: int) -> AsyncIterator[float]:
            request = _question(PROMPT, tokens, stream=True)
            async with aclosing(client.stream("bench", request)) as chunks:
                async for chunk in chunks:
                    if chunk.text:
                        yield time.perf_counter()

        return await measured_speed(server, streams, times, TOKENS)


async def _theirs(server: Server, streams: int) -> Speed:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session:

        async def times(tokens: int) -> AsyncIterator[float]:
            body = {"messages": [{"role": "user", "content": PROMPT}], "stream": True, "max_tokens": tokens, **GREEDY}
            async with session.post(server.url + "/v1/chat/completions", json=body) as response:
                response.raise_for_status()
                async for line in response.content:
                    if has_text(line):
                        yield time.perf_counter()

        return await measured_speed(server, streams, times, TOKENS)


async def _prefix_times(server: Server, file: Path) -> tuple[float, float]:
    """Seconds to the first token of two questions that begin alike."""
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name="bench", model_type="text_generation", model_path=str(file)))
        await client.generate("bench", _question("warm up", 4))
        shared = "abcdefghi " * (PREFIX_CHARACTERS // 10)
        answers = [await client.generate("bench", _question(shared + end, 4)) for end in ("one?", "two?")]
    first, second = (one for one in answers if isinstance(one, GenerateResponse))
    return first.timings.time_to_first_token_ms / 1000, second.timings.time_to_first_token_ms / 1000


def _question(text: str, tokens: int, *, stream: bool = False) -> GenerateRequest:
    return GenerateRequest(messages=[Message("user", text)], max_new_tokens=tokens, temperature=0, stream=stream)
