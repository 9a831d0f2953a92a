"""`make soak`: a long mixed load against a real service (chat, classify, embed, translate, load, unload, cancel).

Fails when a request is lost or ends in an error nobody expects, when memory grows, or when a process is left behind.
Expected errors are those that the load itself provokes: a model unloaded under a request's feet.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import psutil

from sidecar import errors
from sidecar.client import Client
from sidecar.types import ClassifyRequest, EmbedRequest, GenerateRequest, Message, RegisterRequest, TranslateRequest
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import tiny
from tests.helpers.service import running_service

CLIENTS = 6
GROWTH = 1.10  # of the memory after the first fifth, which fills caches
SLOWEST_S = 120.0
CHATS = ("chat", "gguf-chat")
MODELS = (*CHATS, "classify", "embed", "translate")
TEXTS = ["good rain", "bad coffee and tea", "the sun", "tea or rain"]
PROVOKED = (errors.Cancelled, errors.Conflict)


class Load:
    """Random work by several clients until the time is over. Counts what was asked and how it ended."""

    def __init__(self, client: Client, seconds: float, seed: int) -> None:
        self.asked: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.faults: list[str] = []
        self._client = client
        self._until = time.monotonic() + seconds
        self._rng = random.Random(seed)
        self._kinds: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("chat", self._chat), ("cancel", self._cancel), ("classify", self._classify), ("embed", self._embed),
            ("translate", self._translate), ("unload", self._unload),
        ]  # fmt: skip

    async def one_client(self) -> None:
        while time.monotonic() < self._until:
            name, work = self._rng.choices(self._kinds, [5, 2, 5, 5, 3, 1])[0]
            self.asked[name] += 1
            try:
                async with asyncio.timeout(SLOWEST_S):
                    await work()
                self.ended[name] += 1
            except PROVOKED:
                self.ended[name] += 1
            except (errors.InglenookError, TimeoutError) as error:
                self.faults.append(f"{name}: {type(error).__name__}: {error}")

    def _question(self, tokens: int) -> GenerateRequest:
        messages = [Message("user", self._rng.choice(TEXTS))]
        return GenerateRequest(messages=messages, max_new_tokens=tokens, stream=True)

    async def _chat(self) -> None:
        async with aclosing(self._client.stream(self._rng.choice(CHATS), self._question(40))) as chunks:
            last = [chunk async for chunk in chunks][-1]
        if not last.done:
            raise errors.InternalError(reason="a stream ended without its last chunk", request_id="")

    async def _cancel(self) -> None:
        async with aclosing(self._client.stream(self._rng.choice(CHATS), self._question(200))) as chunks:
            await anext(chunks)

    async def _classify(self) -> object:
        return await self._client.classify("classify", ClassifyRequest(texts=self._rng.choices(TEXTS, k=4)))

    async def _embed(self) -> object:
        return await self._client.embed("embed", EmbedRequest(texts=self._rng.choices(TEXTS, k=4)))

    async def _translate(self) -> object:
        return await self._client.translate("translate", TranslateRequest(text=self._rng.choice(TEXTS)))

    async def _unload(self) -> object:
        return await self._client.unload(self._rng.choice(MODELS))


async def soak(url: str, token: str, process: psutil.Process, seconds: float, seed: int) -> list[str]:
    """Run the load; what went wrong, one line each."""
    async with Client(url, token) as client:
        await register(client)
        load = Load(client, seconds, seed)
        watching = asyncio.create_task(watch(process, seconds, load))
        await asyncio.gather(*(load.one_client() for _ in range(CLIENTS)))
        wrong = load.faults + await watching
        for model in MODELS:
            await client.unload(model)
        health = await client.health()
    print(f"asked {dict(load.asked)}")
    if load.asked != load.ended:
        wrong.append(f"lost: asked {dict(load.asked)}, ended {dict(load.ended)}")
    if health.queue_depth or health.models_loaded:
        wrong.append(f"left in the service: {health.queue_depth} requests, {health.models_loaded} models")
    return wrong


async def register(client: Client) -> None:
    kinds = [("chat", "text_generation", "llama-chat"), ("classify", "classification", "bert-single"),
             ("embed", "embedding", "embed-mean"), ("translate", "translation", "marian")]  # fmt: skip
    folders = [(name, kind, tiny(model)) for name, kind, model in kinds]
    folders.append(("gguf-chat", "text_generation", gguf_model("llama-chat")))
    for name, kind, folder in folders:
        await client.register(RegisterRequest(name=name, model_type=kind, model_path=str(folder)))  # type: ignore[arg-type]


async def watch(process: psutil.Process, seconds: float, load: Load) -> list[str]:
    """The front's memory, sampled; what grew beyond measure."""
    began, samples = time.monotonic(), []
    while time.monotonic() - began < seconds:
        await asyncio.sleep(min(10.0, seconds / 20))
        rss = process.memory_info().rss / 1e6
        samples.append(rss)
        print(f"{time.monotonic() - began:6.0f} s  {sum(load.asked.values())} requests  front {rss:.1f} MB", flush=True)
    fifth = max(1, len(samples) // 5)
    before, after = max(samples[:fifth]), min(samples[-fifth:])
    return [f"the front grew from {before:.1f} to {after:.1f} MB"] if after > before * GROWTH else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as service:
        process = psutil.Process(service.process.pid)
        url, token = service.url, service.token
        wrong = asyncio.run(soak(url, token, process, options.minutes * 60, options.seed))
        workers = process.children(recursive=True)
        service.process.terminate()
        _, left = psutil.wait_procs([process, *workers], timeout=30)
    wrong += [f"left behind: process {orphan.pid}" for orphan in left]
    print(*wrong, "ended in order" if not wrong else f"{len(wrong)} faults", sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
