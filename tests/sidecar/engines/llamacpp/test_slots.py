"""Who is let in to the library and who waits, with a library that answers when the test says so."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.engines.base import News
from sidecar.engines.llamacpp.prompts import Question
from sidecar.engines.llamacpp.slots import Slots
from sidecar.runtime.protocol import Finished, Generate
from sidecar.types import Sampling

LAST = b'{"choices": [{"text": "tea", "finish_reason": "stop"}], "timings": {"predicted_n": 1}}'


class Library:
    """Ends one answer with each `let_go`."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(0)

    def handle_completions(self, body: bytes, take: Callable[[bytes], bool]) -> None:
        self._turns.acquire(timeout=60)
        take(LAST)

    def let_go(self) -> None:
        self._turns.release()


class Prompts:
    """Every prompt is as long as its text says."""

    def __init__(self) -> None:
        self.not_json = [0]

    def question(self, request: Generate) -> Question:
        return Question({}, prompt_tokens=int(request.prompt or 0), limit=100)


@pytest.fixture
def library() -> Library:
    return Library()


def slots_of(library: Library, news: queue.SimpleQueue[News], **sizes: int) -> Slots:
    prompts: Any = Prompts()
    slots = Slots(library, prompts, **({"places": 4, "cells": 1000} | sizes), end_id=None)
    slots.connect(news.put)
    return slots


def submit(slots: Slots, *lengths: int) -> None:
    for number, length in enumerate(lengths, 1):
        slots.submit(Generate(number, str(length), None, Sampling()))


def next_end(library: Library, news: queue.SimpleQueue[News]) -> int:
    library.let_go()
    while not isinstance(end := news.get(timeout=60), Finished):
        pass
    return end.id


def test_a_request_waits_until_the_cache_has_room_for_all_it_may_need(library: Library) -> None:
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots = slots_of(library, news)
    submit(slots, 500, 300, 500)
    assert (slots.running, slots.waiting) == (2, 1)
    ends = [next_end(library, news)]
    ends += [next_end(library, news), next_end(library, news)]
    assert sorted(ends) == [1, 2, 3]
    assert (slots.running, slots.waiting) == (0, 0)


def test_a_large_request_is_not_overtaken_for_ever(library: Library) -> None:
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots = slots_of(library, news)
    submit(slots, 500, 800, 10)
    assert (slots.running, slots.waiting) == (1, 2)
    assert next_end(library, news) == 1
    assert {next_end(library, news), next_end(library, news)} == {2, 3}


def test_there_are_never_more_than_the_places(library: Library) -> None:
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots = slots_of(library, news, places=2)
    submit(slots, 1, 1, 1)
    assert (slots.running, slots.waiting) == (2, 1)
    assert {next_end(library, news) for _ in range(3)} == {1, 2, 3}
