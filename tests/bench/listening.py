"""A client that costs next to nothing while it measures: it notes when bytes come, and looks at what they say afterwards.

Benchmarks share the processor with what they measure; a client that parses each token as it comes would be part of it.
"""

from __future__ import annotations

import json
import re
import socket
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any, TypeVar
from urllib.parse import urlsplit

EVENT = b"data: {"
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
AT_ONCE = 1 << 16  # bytes
PATIENCE_S = 600.0

T = TypeVar("T")


def moments(url: str, body: Mapping[str, object], token: str = "") -> list[float]:
    """When each event with text of a streamed answer came, in seconds of `time.perf_counter`.

    Raises RuntimeError with the answer where its status is not 200.
    """
    came: list[tuple[float, bytes]] = []
    with _connected(url) as connection:
        connection.sendall(_request(url, body, token, "close"))
        while data := connection.recv(AT_ONCE):
            came.append((time.perf_counter(), data))
    return _with_text(came)


class Connection:
    """One that is kept open, for one request after another with a short answer each."""

    def __init__(self, url: str, body: Mapping[str, object], token: str) -> None:
        self._connection = _connected(url)
        self._request = _request(url, body, token, "keep-alive")

    def round_trip(self) -> float:
        """Seconds until the answer is there. Raises RuntimeError with it where its status is not 200."""
        begun = time.perf_counter()
        self._connection.sendall(self._request)
        answer = self._connection.recv(AT_ONCE)
        while not _is_whole(answer):
            answer += self._connection.recv(AT_ONCE)
        seconds = time.perf_counter() - begun
        if b" 200 " not in answer.partition(b"\r\n")[0]:
            raise RuntimeError(answer.decode("utf-8", "replace"))
        return seconds

    def close(self) -> None:
        self._connection.close()


def together(ask: Callable[[T], list[float]], questions: list[T]) -> list[list[float]]:
    """The moments of each question's answer, all of them asked at once."""
    with ThreadPoolExecutor(len(questions)) as pool:
        return list(pool.map(ask, questions))


def _connected(url: str) -> socket.socket:
    to = urlsplit(url)
    return socket.create_connection((to.hostname or "", to.port or 80), PATIENCE_S)


def _request(url: str, body: Mapping[str, object], token: str, connection: str) -> bytes:
    to = urlsplit(url)
    content = json.dumps(body).encode()
    head = [
        f"POST {to.path} HTTP/1.1",
        f"Host: {to.netloc}",
        *([f"Authorization: Bearer {token}"] if token else []),
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        f"Connection: {connection}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def _is_whole(answer: bytes) -> bool:
    head, _, content = answer.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return length is not None and len(content) >= int(length[1])


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
