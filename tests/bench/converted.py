"""Rows about models that were prepared: classification, embeddings, translation, against the libraries people would use.

Ours goes through HTTP and a worker; the peer is its library in a process of its own, without HTTP, and times itself.
"""

from __future__ import annotations

import asyncio
import random
import string
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

from sidecar.client import Client
from sidecar.engines.threads import physical_cores
from sidecar.types import (
    ClassifyRequest,
    EmbedRequest,
    ModelType,
    PrepareRequest,
    RegisterRequest,
    TranslateRequest,
    UpdateRequest,
)
from tests.bench import models
from tests.bench.pace import Rounds
from tests.bench.report import Row, Sample
from tests.bench.servers import Library, data_folder, inglenook_in, library, minilm, peer_versions, runs_on

ROUNDS = 5
SHORT_ROUNDS = 15  # of what takes a second: one round differs from the next by more than what is looked for
NAME = "bench"
REST_S = 0.1  # before a turn: threads of the one who had the turn before go on looking for work for some milliseconds
SHORT_TOKENS = 20
MEAN_TOKENS = 43
LONGEST = 400
CLIENTS = 32
TRANSLATED_TOKENS = 30
PEERS: dict[ModelType, str] = {
    "classification": "transformers pipeline",
    "embedding": "sentence-transformers",
    "translation": "transformers",
}
CTRANSLATE2 = "CTranslate2 called directly"
DIRECTLY = "the library in a process of its own, with the same converted weights and as many threads"
KINDS: dict[ModelType, str] = {"classification": "classify", "embedding": "embed", "translation": "translate"}
LIBRARIES: dict[ModelType, Sequence[str]] = {
    "classification": ("transformers", "torch"),
    "embedding": ("sentence-transformers", "transformers", "torch"),
    "translation": ("transformers", "torch"),
}


def classify_1() -> list[Row]:
    """Process against process, as the answers tell it, and what a program gets that asks over HTTP."""
    texts = _texts(40, SHORT_TOKENS)
    how = f"DistilBERT's shape, one text of {SHORT_TOKENS} tokens a request, {len(texts)} one after another"
    apart = "from its arrival at the service until the worker has answered over its pipes (`execution_time_ms`), without HTTP"
    peer = lambda other: sum(other.seconds([text]) for text in texts)  # noqa: E731
    ours = _one_by_one(texts)
    rounds, notes = _in_turn("classification", models.distilbert(), ours, peer, SHORT_ROUNDS)
    what = "classify, one short text"
    return [
        _row(what, rounds, len(texts), PEERS["classification"], 3, f"{how}, {apart}", notes),
        _row(f"{what}, over HTTP", rounds, len(texts), PEERS["classification"], None, how, reading=1),
    ]


def classify_1_ct2() -> list[Row]:
    """What the service costs on top of the library that it computes with."""
    texts = _texts(40, SHORT_TOKENS)
    how = f"DistilBERT's shape, one text of {SHORT_TOKENS} tokens, {len(texts)} one after another, ours over HTTP; {DIRECTLY}"
    peer = lambda other: sum(other.seconds([text]) for text in texts)  # noqa: E731
    ours = _one_by_one(texts)
    rounds, notes = _in_turn("classification", models.distilbert(), ours, peer, SHORT_ROUNDS, directly=True)
    return [_row("classify, one short text", rounds, len(texts), CTRANSLATE2, None, how, notes, reading=1)]


def _one_by_one(texts: Sequence[str]) -> Callable[[Client], Awaitable[tuple[float, ...]]]:
    """Seconds as the answers tell them, and until they are here."""

    async def ours(client: Client) -> tuple[float, ...]:
        begun = time.perf_counter()
        told = [(await client.classify(NAME, ClassifyRequest(text=text))).execution_time_ms for text in texts]
        return sum(told) / 1000, time.perf_counter() - begun

    return ours


def classify_1000() -> list[Row]:
    texts = _mixed(1000)

    async def ours(client: Client) -> float:
        begun = time.perf_counter()
        await client.classify(NAME, ClassifyRequest(texts=texts, truncate=True))
        return time.perf_counter() - begun

    how = f"DistilBERT's shape, 1000 texts of {MEAN_TOKENS} tokens in the mean (exponential) in one call; the pipeline with batch_size=32"
    peer = lambda other: other.seconds(texts, batch_size=32)  # noqa: E731
    return _against("classify, 1000 mixed texts", "classification", models.distilbert(), ours, peer, 2.5, how, 1000, 2)


def classify_32_clients() -> list[Row]:
    """Ours against itself: single texts that arrive together share batches."""
    texts = _texts(CLIENTS * 4, SHORT_TOKENS)

    rounds: Rounds[tuple[float, ...]] = Rounds(SHORT_ROUNDS)

    async def measured(data: Path) -> str:
        async with _prepared("classification", models.distilbert(), data) as client:
            for _ in rounds:
                rounds.figures.append(tuple([await _of_clients(client, texts, clients) for clients in (CLIENTS, 1)]))
            return await runs_on(client, NAME)

    with data_folder() as data:
        notes = [asyncio.run(measured(data))]
    how = f"DistilBERT's shape, {len(texts)} texts of {SHORT_TOKENS} tokens, one a request"
    return [_row(f"classify, {CLIENTS} clients of single texts", rounds, len(texts), "one client", 1.8, how, notes)]


def embed() -> list[Row]:
    texts = _english(256)

    async def ours(client: Client) -> float:
        begun = time.perf_counter()
        await client.embed(NAME, EmbedRequest(texts=texts, truncate=True))
        return time.perf_counter() - begun

    how = f"the real all-MiniLM-L6-v2, {len(texts)} texts of 3 to 120 words in one call, the cache off; encode with its defaults"
    peer = lambda other: other.seconds(texts)  # noqa: E731
    return _against("embed, mixed lengths", "embedding", minilm(), ours, peer, 1.3, how, 256, cache=0)


def embed_cached() -> list[Row]:
    texts = _english(256)

    async def ours(client: Client) -> float:
        begun = time.perf_counter()
        await client.embed(NAME, EmbedRequest(texts=texts, truncate=True))
        return time.perf_counter() - begun

    how = "the same texts, all of them embedded before"
    peer = lambda other: other.seconds(texts)  # noqa: E731
    return _against("embed, repeated texts", "embedding", minilm(), ours, peer, 50, how, 256)


def translate_1() -> list[Row]:
    return _translate(1, 3.5)


def translate_32() -> list[Row]:
    return _translate(32, 2.5)


def translate_1_ct2() -> list[Row]:
    return _translate(1, None, directly=True)


def _translate(count: int, target: float | None, *, directly: bool = False) -> list[Row]:
    texts = _sentences(count)

    async def ours(client: Client) -> float:
        begun = time.perf_counter()
        await client.translate(NAME, TranslateRequest(texts=texts, max_new_tokens=TRANSLATED_TOKENS))
        return time.perf_counter() - begun

    peer = lambda other: other.seconds(texts, max_new_tokens=TRANSLATED_TOKENS)  # noqa: E731
    how = f"Marian's shape, {count} of {SHORT_TOKENS} tokens to {TRANSLATED_TOKENS}, greedy, in one call"
    how += f", ours over HTTP; {DIRECTLY}" if directly else ""
    what = f"translate, {count} sentence{'s' if count > 1 else ''}"
    wanted = SHORT_ROUNDS if count == 1 else ROUNDS
    return _against(what, "translation", models.marian(), ours, peer, target, how, count, wanted, directly=directly)


def _against(
    what: str,
    task: ModelType,
    folder: Path,
    ours: Callable[[Client], Awaitable[float]],
    theirs: Callable[[Library], float],
    target: float | None,
    how: str,
    count: int,
    wanted: int = ROUNDS,
    cache: int = 10_000,
    *,
    directly: bool = False,
) -> list[Row]:
    """A row of texts a second of both."""

    async def once(client: Client) -> tuple[float, ...]:
        return (await ours(client),)

    rounds, notes = _in_turn(task, folder, once, theirs, wanted, cache, directly=directly)
    return [_row(what, rounds, count, CTRANSLATE2 if directly else PEERS[task], target, how, notes)]


def _in_turn(
    task: ModelType,
    folder: Path,
    ours: Callable[[Client], Awaitable[tuple[float, ...]]],
    theirs: Callable[[Library], float],
    wanted: int,
    cache: int = 10_000,
    *,
    directly: bool = False,
) -> tuple[Rounds[tuple[float, ...]], list[str]]:
    """Seconds of ours, by one clock or several, and the peer's last, after one round of each that does not count; notes.

    The peer is the library that people use, or `directly` CTranslate2 with the weights that ours has converted.
    """
    rounds: Rounds[tuple[float, ...]] = Rounds(wanted)

    async def measured(data: Path) -> str:
        async with _prepared(task, folder, data, embedding_cache_entries=cache) as client:
            precision = (await client.model(NAME)).precision
            with _ct2(task, folder, data, precision) if directly else library(KINDS[task], str(folder)) as other:
                await compared(client, other)
            return await runs_on(client, NAME)

    async def compared(client: Client, other: Library) -> None:
        await ours(client)
        theirs(other)
        for _ in rounds:
            await asyncio.sleep(REST_S)
            own = await ours(client)
            await asyncio.sleep(REST_S)
            rounds.figures.append((*own, theirs(other)))

    with data_folder() as data:
        told = [asyncio.run(measured(data))]
    told += [] if directly else [peer_versions(*LIBRARIES[task])]
    return rounds, [*told, f"{REST_S:g} s of rest before each turn", *_of_the_processor()]


def _ct2(task: ModelType, folder: Path, data: Path, precision: str) -> AbstractContextManager[Library]:
    """The library itself, computing what the service has prepared in `data`, as precisely and with as many threads."""
    [converted] = data.glob(f"derived/*/ctranslate2/{task}")
    arguments = (str(folder), str(converted), precision, str(physical_cores()))
    return library(f"{KINDS[task]}-ct2", *arguments, python=sys.executable)


def _of_the_processor() -> list[str]:
    """What decides how much rounding to 8 bits gains. Only Linux tells."""
    told = Path("/proc/cpuinfo")
    if not told.is_file() or "vnni" in told.read_text("utf-8"):
        return []
    return ["this processor has no VNNI: a product of 8-bit integers takes three instructions instead of one"]


def _row(
    what: str,
    rounds: Rounds[tuple[float, ...]],
    count: int,
    against: str,
    target: float | None,
    how: str,
    notes: Sequence[str] = (),
    reading: int = 0,
) -> Row:
    """`rounds`: seconds that so many texts took, ours by the clock `reading`, the other's last."""
    ours, peer = (Sample([count / one[place] for one in rounds.figures], "texts/s") for place in (reading, -1))
    return Row(what, ours, target, f"{how}, {rounds}", against, peer, higher_is_better=True, notes=list(notes))


@asynccontextmanager
async def _prepared(task: ModelType, folder: Path, data: Path, **settings: object) -> AsyncIterator[Client]:
    """A service with its data in `data`, whose one model was prepared and is loaded."""
    with inglenook_in(data, spare_worker=False, **settings) as server:
        async with Client(server.url, server.token) as client:
            await client.register(RegisterRequest(name=NAME, model_type=task, model_path=str(folder)))
            started = await client.prepare(NAME, PrepareRequest())
            while (job := await client.job(started.job_id)).finished_at is None:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            if job.error is not None:
                raise RuntimeError(job.message)
            await client.update(NAME, UpdateRequest(keep_alive=-1))
            await client.load(NAME)
            yield client


async def _of_clients(client: Client, texts: list[str], clients: int) -> float:
    """Seconds until so many clients have had all texts classified, each client one text after another."""
    rest = iter(texts)

    async def one() -> None:
        for text in rest:
            await client.classify(NAME, ClassifyRequest(text=text))

    begun = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return time.perf_counter() - begun


def _texts(count: int, tokens: int) -> list[str]:
    draw = random.Random(count)
    return [_text(draw, tokens) for _ in range(count)]


def _text(draw: random.Random, tokens: int) -> str:
    """The tokenizer of the models with random weights makes a token of each character."""
    return "".join(draw.choices(string.ascii_lowercase + " ", k=tokens))


def _sentences(count: int) -> list[str]:
    """Of about 20 tokens: the sentencepiece model of the bench makes mostly three of each word."""
    draw = random.Random(count)
    return [" ".join(f"w{draw.randrange(900)}" for _ in range(SHORT_TOKENS // 3 + 1)) for _ in range(count)]


def _mixed(count: int) -> list[str]:
    draw = random.Random(count)
    lengths = [min(LONGEST, max(3, int(draw.expovariate(1 / MEAN_TOKENS)))) for _ in range(count)]
    return [_text(draw, length) for length in lengths]


def _english(count: int) -> list[str]:
    draw = random.Random(count)
    words = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8").split()
    starts = [(draw.randrange(len(words) - 120), draw.randint(3, 120)) for _ in range(count)]
    return [" ".join(words[start : start + length]) for start, length in starts]
