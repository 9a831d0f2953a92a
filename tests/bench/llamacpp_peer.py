"""llama.cpp as the peer: the same library in a process of its own, asked in-process or through its own HTTP server.

`python -m tests.bench.llamacpp_peer FILE direct TOKENS` answers each number on a line with the tokens per second of one
answer, decoding only; `… FILE serve SLOTS PORT` serves until it is ended.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import xllamacpp

from sidecar.engines.threads import physical_cores
from tests.bench.chat import PROMPT

GREEDY = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"]}  # what we ask the library for at temperature 0
CONTEXT = 8192  # of each slot: as long as the model was trained for, which is what ours gives


def main() -> None:
    file, mode, *numbers = sys.argv[1:]
    if mode == "direct":
        _direct(file, int(numbers[0]))
    else:
        server = _server(file, slots=int(numbers[0]), port=int(numbers[1]))
        threading.Event().wait()
        del server  # it serves for as long as it is held


def _server(file: str, *, slots: int, port: int) -> xllamacpp.Server:
    """With llama.cpp's own defaults but for sizes and threads."""
    params = xllamacpp.CommonParams()
    params.model.path = file
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = CONTEXT * slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = physical_cores()
    params.verbosity = 1
    return xllamacpp.Server(params)


def _direct(file: str, tokens: int) -> None:
    server = _server(file, slots=1, port=0)
    _arrivals(server, "warm up", 4)
    for line in sys.stdin:
        moments = _arrivals(server, question(int(line), 0), tokens)
        print((len(moments) - 1) / (moments[-1] - moments[0]), flush=True)


def question(number: int, stream: int) -> str:
    """A prompt of usual length that no other round or stream has."""
    return f"{number}-{stream} {PROMPT}"


def _arrivals(server: xllamacpp.Server, prompt: str, tokens: int) -> list[float]:
    """When each piece of the answer came."""
    moments: list[float] = []

    def take(message: bytes) -> None:
        choice = json.loads(message)["choices"]
        if choice and choice[0]["delta"].get("content"):
            moments.append(time.perf_counter())

    body = {"messages": [{"role": "user", "content": prompt}], "stream": True, "max_tokens": tokens, **GREEDY}
    server.handle_chat_completions(json.dumps(body).encode(), take)
    return moments


if __name__ == "__main__":
    main()
