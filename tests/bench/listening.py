"""A client that costs next to nothing while it measures: it notes when bytes come, and looks at what they say afterwards.

Benchmarks share the processor with what they measure; a client that parses each token as it comes would be part of it.
"""

from __future__ import annotations

import json
import socket
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any, TypeVar
from urllib.parse import urlsplit

EVENT = b"data: {"
AT_ONCE = 1 << 16  # bytes
PATIENCE_S = 600.0

T = TypeVar("T")


def moments(url: str, body: Mapping[str, object], token: str = "") -> list[float]:
    """When each event with text of a streamed answer came, in seconds of `time.perf_counter`.

    Raises RuntimeError with the answer where its status is not 200.
    """
    to = urlsplit(url)
    content = json.dumps(body).encode()
    head = [
        f"POST {to.path} HTTP/1.1",
        f"Host: {to.netloc}",
        *([f"Authorization: Bearer {token}"] if token else []),
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
    ]
    came: list[tuple[float, bytes]] = []
    with socket.create_connection((to.hostname or "", to.port or 80), PATIENCE_S) as connection:
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + content)
        while data := connection.recv(AT_ONCE):
            came.append((time.perf_counter(), data))
    return _with_text(came)


def together(ask: Callable[[T], list[float]], questions: list[T]) -> list[list[float]]:
    """The moments of each question's answer, all of them asked at once."""
    with ThreadPoolExecutor(len(questions)) as pool:
        return list(pool.map(ask, questions))


def _with_text(came: list[tuple[float, bytes]]) -> list[float]:
    everything = b"".join(data for _, data in came)
    if b" 200 " not in everything.partition(b"\r\n")[0]:
        raise RuntimeError(everything.decode("utf-8", "replace"))
    ends = list(accumulate(len(data) for _, data in came))
    found, at = [], 0
    for line in everything.split(b"\n"):
        at += len(line) + 1
        if line.startswith(EVENT) and _has_text(json.loads(line.removeprefix(b"data: "))):
            found.append(came[bisect_left(ends, at)][0])
    return found


def _has_text(event: dict[str, Any]) -> bool:
    """In our own form, or in OpenAI's."""
    choices = event.get("choices") or [{}]
    return bool(event.get("text") or choices[0].get("delta", {}).get("content"))
