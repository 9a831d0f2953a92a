"""llama.cpp as the peer: the same library in a process of its own, asked in-process or through its own HTTP server.

`python -m tests.bench.llamacpp_peer FILE direct TOKENS` prints the tokens per second of one answer, decoding only;
`… FILE serve SLOTS PORT` serves until it is ended.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import xllamacpp

from sidecar.engines.threads import physical_cores
from tests.bench.chat import PROMPT

GREEDY = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"]}


def main() -> None:
    file, mode, *numbers = sys.argv[1:]
    if mode == "direct":
        print(_direct(file, int(numbers[0])))
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
    params.n_ctx = 2048 * slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = physical_cores()
    params.verbosity = 1
    return xllamacpp.Server(params)


def _direct(file: str, tokens: int) -> float:
    server = _server(file, slots=1, port=0)
    _arrivals(server, 4)
    moments = _arrivals(server, tokens)
    return (tokens - 1) / (moments[-1] - moments[0])


def _arrivals(server: xllamacpp.Server, tokens: int) -> list[float]:
    """When each piece of the answer came."""
    moments: list[float] = []

    def take(message: bytes) -> None:
        choice = json.loads(message)["choices"]
        if choice and choice[0]["delta"].get("content"):
            moments.append(time.perf_counter())

    body = {"messages": [{"role": "user", "content": PROMPT}], "stream": True, "max_tokens": tokens, **GREEDY}
    server.handle_chat_completions(json.dumps(body).encode(), take)
    return moments


if __name__ == "__main__":
    main()
