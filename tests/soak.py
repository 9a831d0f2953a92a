"""`make soak`: a long mixed load against a real service (chat, classify, embed, translate, load, unload, cancel).

Fails when a request is lost or ends in an error nobody expects, when the memory of the front or of a worker that stays grows,
or when a process or a file in the temporary folder is left behind, while the service runs or after it.
Expected errors are those that the load itself provokes: a model unloaded under a request's feet.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from sidecar import errors
from sidecar.client import Client
from sidecar.types import (
    ClassifyRequest,
    EmbedRequest,
    GenerateRequest,
    Message,
    ModelType,
    PrepareRequest,
    RegisterRequest,
    TranslateRequest,
    UpdateRequest,
)
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import tiny
from tests.helpers.service import job_ended, running_service

CLIENTS = 6
GROWTH = 1.05  # of what it was when the first fifth of the time had filled the caches
SAMPLES = 50  # at least
SLOWEST_S = 120.0
SPARE_MINUTES = 0.2  # the spare worker ends soon after the load, so that no process at all may be left then
SETTLE_S = 60.0
KEPT_MB = 2  # of ended conversations: what may be kept of them is full early, and growth behind that is a leak
TORCHS_OWN = "torchinductor_"  # one folder for all processes of a user, which stays
TEXTS = ["good rain", "bad coffee and tea", "the sun", "tea or rain"]
PROVOKED = (errors.Cancelled, errors.Conflict)


@dataclass(frozen=True)
class Model:
    """`prepared`: converted for CTranslate2. `stays`: is never unloaded, so that a leak of its workers has time to show."""

    name: str
    task: ModelType
    folder: Callable[[], Path]
    prepared: bool = False
    stays: bool = False
    workers: int = 1


MODELS = [
    Model("chat", "text_generation", lambda: tiny("llama-chat")),
    Model("chat-of-two", "text_generation", lambda: tiny("llama-chat"), stays=True, workers=2),
    Model("gguf", "text_generation", lambda: gguf_model("llama-chat")),
    Model("gguf-stays", "text_generation", lambda: gguf_model("llama-chat"), stays=True),
    Model("classify", "classification", lambda: tiny("bert-single")),
    Model("classify-prepared", "classification", lambda: tiny("bert-single"), prepared=True, stays=True),
    Model("embed", "embedding", lambda: tiny("embed-mean")),
    Model("translate", "translation", lambda: tiny("marian")),
    Model("translate-prepared", "translation", lambda: tiny("marian"), prepared=True),
]
STAYING = sum(model.workers for model in MODELS if model.stays)


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
            ("translate", self._translate), ("load", self._load), ("unload", self._unload),
        ]  # fmt: skip

    async def one_client(self) -> None:
        while time.monotonic() < self._until:
            name, work = self._rng.choices(self._kinds, [5, 2, 5, 5, 3, 1, 1])[0]
            self.asked[name] += 1
            try:
                async with asyncio.timeout(SLOWEST_S):
                    await work()
                self.ended[name] += 1
            except PROVOKED:
                self.ended[name] += 1
            except (errors.InglenookError, TimeoutError) as error:
                self.faults.append(f"{name}: {type(error).__name__}: {error}")

    def _one_for(self, task: ModelType) -> str:
        return self._rng.choice([model.name for model in MODELS if model.task == task])

    def _one_that_goes(self) -> str:
        return self._rng.choice([model.name for model in MODELS if not model.stays])

    def _question(self, tokens: int) -> GenerateRequest:
        messages = [Message("user", self._rng.choice(TEXTS))]
        return GenerateRequest(messages=messages, max_new_tokens=tokens, stream=True)

    async def _chat(self) -> None:
        async with aclosing(self._client.stream(self._one_for("text_generation"), self._question(40))) as chunks:
            last = [chunk async for chunk in chunks][-1]
        if not last.done:
            raise errors.InternalError(reason="a stream ended without its last chunk", request_id="")

    async def _cancel(self) -> None:
        async with aclosing(self._client.stream(self._one_for("text_generation"), self._question(200))) as chunks:
            await anext(chunks)

    async def _classify(self) -> object:
        texts = self._rng.choices(TEXTS, k=4)
        return await self._client.classify(self._one_for("classification"), ClassifyRequest(texts=texts))

    async def _embed(self) -> object:
        return await self._client.embed("embed", EmbedRequest(texts=self._rng.choices(TEXTS, k=4)))

    async def _translate(self) -> object:
        text = self._rng.choice(TEXTS)
        return await self._client.translate(self._one_for("translation"), TranslateRequest(text=text))

    async def _load(self) -> object:
        return await self._client.load(self._one_that_goes())

    async def _unload(self) -> object:
        return await self._client.unload(self._one_that_goes())


class Memory:
    """Resident memory of the front and of each worker while it lives, in MB, sampled."""

    def __init__(self, front: psutil.Process) -> None:
        self._front = front
        self._samples: defaultdict[psutil.Process, list[float]] = defaultdict(list)

    @property
    def seen(self) -> set[psutil.Process]:
        """All processes that were ever seen."""
        return set(self._samples)

    def sample(self) -> str:
        for process in (self._front, *self._front.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                self._samples[process].append(process.memory_info().rss / 1e6)
        return f"front {self._samples[self._front][-1]:.1f} MB"

    def wrong(self) -> list[str]:
        """Who grew beyond measure, of those that lived for at least half of the time; whether workers that stay did not."""
        enough = len(self._samples[self._front]) // 2
        judged = {process: values for process, values in self._samples.items() if len(values) >= enough}
        wrong = [told for process, values in judged.items() if (told := grown(process.pid, values))]
        if len(judged) <= STAYING:
            wrong.append(f"only {len(judged) - 1} workers lived for half of the time, of {STAYING} that stay")
        return wrong


def grown(pid: int, values: Sequence[float]) -> str:
    """What to say when the last fifth is far above the second; the first fills caches."""
    fifth = max(1, len(values) // 5)
    before, after = statistics.median(values[fifth : 2 * fifth]), statistics.median(values[-fifth:])
    told = f"process {pid} was at {before:.1f} MB, and at {after:.1f} MB in the end"
    print(told)
    return told if after > before * GROWTH else ""


async def soak(url: str, token: str, front: psutil.Process, scratch: Path, seconds: float, seed: int) -> list[str]:
    """Run the load; what went wrong, one line each."""
    async with Client(url, token) as client:
        for model in MODELS:
            await install(client, model)
        load, memory = Load(client, seconds, seed), Memory(front)
        watching = asyncio.create_task(watch(memory, seconds, load))
        await asyncio.gather(*(load.one_client() for _ in range(CLIENTS)))
        await watching
        for model in MODELS:
            await client.unload(model.name)
        wrong = load.faults + memory.wrong() + await left(front, memory.seen - {front}, scratch)
        health = await client.health()
    print(f"asked {dict(load.asked)}")
    if load.asked != load.ended:
        wrong.append(f"lost: asked {dict(load.asked)}, ended {dict(load.ended)}")
    if health.queue_depth or health.models_loaded:
        wrong.append(f"left in the service: {health.queue_depth} requests, {health.models_loaded} models")
    return wrong


async def install(client: Client, model: Model) -> None:
    await client.register(
        RegisterRequest(
            name=model.name, model_type=model.task, model_path=str(model.folder()), num_workers=model.workers
        )
    )
    if model.prepared:
        started = await client.prepare(model.name, PrepareRequest(precision="float32"))
        if (job := await job_ended(client, started.job_id)).error:
            raise RuntimeError(job.message)
        await client.unload(model.name)
    await client.update(model.name, UpdateRequest(pinned=model.stays))
    await client.load(model.name)


async def watch(memory: Memory, seconds: float, load: Load) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        await asyncio.sleep(min(10.0, seconds / SAMPLES))
        print(f"{time.monotonic() - began:6.0f} s  {load.asked.total()} requests  {memory.sample()}", flush=True)


async def left(front: psutil.Process, workers: set[psutil.Process], scratch: Path) -> list[str]:
    """The processes and temporary files that are still there when all models are unloaded and the spare worker is over."""
    deadline = time.monotonic() + SETTLE_S
    while found := remains({*workers, *front.children(recursive=True)}, scratch):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(1)
    return [f"left behind by the running service: {what}" for what in found]


def remains(workers: set[psutil.Process], scratch: Path) -> list[str]:
    processes = [f"process {worker.pid}" for worker in workers if worker.is_running()]
    files = [path for path in sorted(scratch.iterdir()) if not path.name.startswith(TORCHS_OWN)]
    return processes + [str(path) for path in files]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        os.environ["TMPDIR"] = temporary  # of the service and its workers, beside which nobody writes there
        settings = {
            "spare_worker": True,
            "spare_worker_minutes": SPARE_MINUTES,
            "max_loaded_models": len(MODELS),
            "prefix_cache_mb": KEPT_MB,
        }
        with running_service(Path(folder), **settings) as service:
            front = psutil.Process(service.process.pid)
            wrong = asyncio.run(soak(service.url, service.token, front, scratch, options.minutes * 60, options.seed))
            workers = set(front.children(recursive=True))
            service.process.terminate()
            psutil.wait_procs([front, *workers], timeout=30)
            wrong += [f"left behind: {what}" for what in remains({front, *workers}, scratch)]
    print(*wrong, "ended in order" if not wrong else f"{len(wrong)} faults", sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
