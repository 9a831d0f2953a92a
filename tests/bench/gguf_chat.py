"""Rows about GGUF models: our service over HTTP beside the same build of llama.cpp, called directly or serving itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from sidecar.client import Client
from sidecar.types import GenerateRequest, GenerateResponse, Message, RegisterRequest
from tests.bench import models
from tests.bench.chat import ROUNDS
from tests.bench.listening import moments, together
from tests.bench.llamacpp_peer import GREEDY, question
from tests.bench.pace import in_turn
from tests.bench.report import Row, Sample
from tests.bench.servers import ROOT, Server, free_port, healthy, inglenook, running, wait_until

NAME = "bench"
TOKENS = 64
# One start of a server differs from another of the same by a few hundredths, and one round of eight streams from the next by a
# tenth; after some rounds a cache of ended conversations is full, as in a service that runs.
STARTS, ROUNDS_OF_A_START = 6, 16
EIGHT_STREAM_STARTS = 4
STREAMS = 8
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
PREFIX_CHARACTERS = 2000  # the tokenizer of the random models makes a token of each
Ask = Callable[[str], list[float]]  # a prompt: when each piece of its answer came
Asked = tuple[Server, Ask]


@dataclass(frozen=True)
class Round:
    """When the pieces of all streams came, in seconds from the sending, and the processor time that the server took."""

    arrivals: list[list[float]]
    cpu_s: float

    @property
    def aggregate(self) -> float:
        """Tokens per second of all streams, from the sending to the last. A server that reads all prompts before it
        answers the first, and one that does not, are thus held against each other fairly."""
        return len(self.arrivals) * TOKENS / max(moments[-1] for moments in self.arrivals)

    @property
    def decoding(self) -> float:
        """Tokens per second of one stream from its first token on, so that the prompt's reading does not blur it."""
        return (TOKENS - 1) / (self.arrivals[0][-1] - self.arrivals[0][0])

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_s / (len(self.arrivals) * TOKENS)


def one_stream() -> list[Row]:
    file = models.smollm2_135m_q8_0()
    figures: list[list[float]] = []
    notes: list[str] = []
    for _ in range(STARTS):
        with inglenook(spare_worker=False, calibrate=False) as server, _direct(file) as peer:
            figures += in_turn(ROUNDS_OF_A_START, [peer, _decoding(server, file)]).figures
            notes = [server.runs(NAME)]
    theirs, ours = (Sample(values, "tok/s") for values in zip(*figures, strict=True))
    rounds = f"{STARTS} starts of both, {ROUNDS_OF_A_START} rounds in turn each"
    how = f"135M Q8_0, {TOKENS} greedy tokens from the first on, ours over HTTP, {rounds}"
    return [
        Row(
            "GGUF chat, 1 stream",
            ours,
            0.97,
            how,
            "llama.cpp called directly",
            theirs,
            higher_is_better=True,
            notes=notes,
        )
    ]


def _decoding(server: Server, file: Path) -> Callable[[int], float]:
    ask = _our_answers(server, file)
    return lambda number: _round(server, ask, 1, number).decoding


def eight_streams() -> list[Row]:
    file = models.smollm2_135m_q8_0()
    seen, memories, notes = [], [], []
    for number in range(EIGHT_STREAM_STARTS):
        with _both(file, ours_first=number % 2 == 1) as (other, own):
            seen += in_turn(ROUNDS_OF_A_START, [partial(_round, *one, STREAMS) for one in (other, own)]).figures
            memories.append([server.memory_mb() for server, _ in (other, own)])
            notes = [own[0].runs(NAME)]
    theirs, ours = zip(*seen, strict=True)
    their_memory, memory = (Sample(values, "MB") for values in zip(*memories, strict=True))
    rounds = f"{EIGHT_STREAM_STARTS} starts of both, {ROUNDS_OF_A_START} rounds in turn each"
    how = f"135M Q8_0, {TOKENS} greedy tokens a stream, all tokens over the time from sending, {rounds}"
    what, peer = "GGUF chat, 8 streams", f"llama.cpp's own server, {STREAMS} slots"
    notes = [*notes, _processor(ours, theirs)]
    return [
        Row(what, _aggregates(ours), 1.0, how, peer, _aggregates(theirs), higher_is_better=True, notes=notes),
        Row(f"{what}, memory", memory, None, "resident memory of all processes after the run", peer, their_memory),
    ]


@contextlib.contextmanager
def _both(file: Path, *, ours_first: bool) -> Iterator[tuple[Asked, Asked]]:
    """The peer's server and ours, the model loaded in both, in either order: the first may find other memory than the second."""
    with contextlib.ExitStack() as stack:

        def theirs() -> Asked:
            server = stack.enter_context(_llama_server(file))
            return server, _their_answers(server)

        def ours() -> Asked:
            server = stack.enter_context(inglenook(spare_worker=False, calibrate=False))
            return server, _our_answers(server, file)

        if ours_first:
            own = ours()
            yield theirs(), own
        else:
            other = theirs()
            yield other, ours()


def _aggregates(rounds: Sequence[Round]) -> Sample:
    return Sample([one.aggregate for one in rounds], "tok/s")


def _processor(ours: Sequence[Round], theirs: Sequence[Round]) -> str:
    """What a busy machine blurs least."""
    own, other = (statistics.median(one.cpu_ms for one in rounds) for rounds in (ours, theirs))
    return f"processor time a token, prompts included: {own:.1f} ms, the peer's server {other:.1f} ms"


def prefix() -> list[Row]:
    """The second question of a conversation computes only what is new."""
    file = models.smollm2_135m_q8_0()
    firsts, seconds = [], []
    notes: list[str] = []
    for _ in range(ROUNDS):
        with inglenook(spare_worker=False) as server:
            first, second = asyncio.run(_prefix_times(server, file))
            firsts.append(first)
            seconds.append(second)
            notes = [server.runs(NAME)]
    how = f"135M Q8_0, a prefix of {PREFIX_CHARACTERS} tokens, time to the first token over HTTP, {ROUNDS} rounds"
    return [
        Row("GGUF, second question on a prefix", Sample(seconds, "s"), 0.1, how, "the first question",
            Sample(firsts, "s"), notes=notes)
    ]  # fmt: skip


def _round(server: Server, ask: Ask, streams: int, number: int) -> Round:
    """All streams at once, each with a prompt that was never asked before."""
    began, cpu = time.perf_counter(), server.tree_cpu_seconds()
    answers = together(ask, [question(number, stream) for stream in range(streams)])
    arrivals = [[moment - began for moment in came] for came in answers]
    return Round(arrivals, server.tree_cpu_seconds() - cpu)


@contextlib.contextmanager
def _direct(file: Path) -> Iterator[Callable[[int], float]]:
    """The library in a process of its own: a function of the round's number that gives its tokens per second."""
    command = [sys.executable, "-m", "tests.bench.llamacpp_peer", str(file), "direct", str(TOKENS)]
    with subprocess.Popen(
        command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        asked, answers = process.stdin, process.stdout

        def speed(number: int) -> float:
            print(number, file=asked, flush=True)
            return float(answers.readline())

        yield speed


@contextlib.contextmanager
def _llama_server(file: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.llamacpp_peer", str(file), "serve", str(STREAMS), str(port)]
    with running(command, ENVIRONMENT) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until(process, lambda: healthy(url))  # the library's own answer, which is 503 until the model is loaded
        yield Server(url, psutil.Process(process.pid))


def _our_answers(server: Server, file: Path) -> Ask:
    """Loads the model and gives the function that asks it."""
    asyncio.run(_load(server, file))

    def ask(prompt: str) -> list[float]:
        body = {"messages": [{"role": "user", "content": prompt}], "stream": True, "max_new_tokens": TOKENS}
        return moments(f"{server.url}/models/{NAME}/generate", {**body, "temperature": 0}, server.token)

    ask("warm up")
    return ask


async def _load(server: Server, file: Path) -> None:
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name=NAME, model_type="text_generation", model_path=str(file)))


def _their_answers(server: Server) -> Ask:
    def ask(prompt: str) -> list[float]:
        body = {"messages": [{"role": "user", "content": prompt}], "stream": True, "max_tokens": TOKENS}
        return moments(server.url + "/v1/chat/completions", {**body, **GREEDY})

    ask("warm up")
    return ask


async def _prefix_times(server: Server, file: Path) -> tuple[float, float]:
    """Seconds to the first token of two questions that begin alike."""
    async with Client(server.url, server.token) as client:
        await client.register(RegisterRequest(name=NAME, model_type="text_generation", model_path=str(file)))
        await client.generate(NAME, _question("warm up", 4))
        shared = "abcdefghi " * (PREFIX_CHARACTERS // 10)
        answers = [await client.generate(NAME, _question(shared + end, 4)) for end in ("one?", "two?")]
    first, second = (one for one in answers if isinstance(one, GenerateResponse))
    return first.timings.time_to_first_token_ms / 1000, second.timings.time_to_first_token_ms / 1000


def _question(text: str, tokens: int) -> GenerateRequest:
    return GenerateRequest(messages=[Message("user", text)], max_new_tokens=tokens, temperature=0)
