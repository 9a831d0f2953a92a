"""Who is let in to the library and who waits, with a library that answers when the test says so."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sidecar.engines.base import News
from sidecar.engines.llamacpp import slots as slots_module
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


def test_who_is_alone_is_let_in_at_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    _have_patience(monkeypatch)
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots = slots_of(library, news)
    for _ in range(3):
        submit(slots, 1)
        assert (slots.running, slots.waiting) == (1, 0)
        assert next_end(library, news) == 1


def test_after_several_at_once_the_next_are_let_in_together(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots = _busy_before(library, news)
    _have_patience(monkeypatch)
    submit(slots, 1, 1, 1)
    assert (slots.running, slots.waiting) == (0, 3)
    slots.submit(Generate(4, "1", None, Sampling()))  # no place is left for a fifth
    assert {next_end(library, news) for _ in range(4)} == {1, 2, 3, 4}


def test_the_first_does_not_wait_long_for_others(library: Library) -> None:
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots = _busy_before(library, news)
    submit(slots, 1)
    assert next_end(library, news) == 1
    submit(slots, 1)
    assert (slots.running, slots.waiting) == (1, 0)  # it was alone, so the next one does not wait at all


def test_one_that_waits_for_others_can_be_cancelled(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots = _busy_before(library, news)
    _have_patience(monkeypatch)
    submit(slots, 1)
    slots.cancel(1)
    end = news.get(timeout=60)
    assert isinstance(end, Finished)
    assert (slots.running, slots.waiting) == (0, 0)
    submit(slots, 1, 1, 1, 1)
    assert {next_end(library, news) for _ in range(4)} == {1, 2, 3, 4}


def _busy_before(library: Library, news: queue.SimpleQueue[News]) -> Slots:
    """With two requests served at once a moment ago."""
    slots = slots_of(library, news)
    submit(slots, 1, 1)
    assert {next_end(library, news) for _ in range(2)} == {1, 2}
    return slots


def _have_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only requests end the waiting for requests."""
    monkeypatch.setattr(slots_module, "GATHER_S", 60.0)
    monkeypatch.setattr(slots_module, "GATHER_AT_MOST_S", 60.0)
