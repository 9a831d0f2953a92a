"""How long an answer may be."""

from __future__ import annotations

import pytest

from sidecar.engines.limits import answer_limit, needs_cut, prompt_budget, room_warnings, stop_strings
from sidecar.errors import ContextExceeded, InvalidRequest
from sidecar.types import Sampling


@pytest.mark.parametrize(
    ("sampling", "prompt", "context", "limit"),
    [
        (Sampling(), 10, 4096, 1024),
        (Sampling(), 10, 100, 90),
        (Sampling(), 10, None, 1024),
        (Sampling(max_new_tokens=5), 10, 100, 5),
        (Sampling(max_new_tokens=500), 10, 100, 90),
        (Sampling(max_length=30), 10, 100, 20),
        (Sampling(max_length=30, max_new_tokens=50), 10, 100, 20),
        (Sampling(max_new_tokens=5000), 10, None, 5000),
        (Sampling(), 99, 100, 1),
    ],
)
def test_the_smallest_bound_counts(sampling: Sampling, prompt: int, context: int | None, limit: int) -> None:
    assert answer_limit(sampling, prompt, context) == limit


def test_a_prompt_that_fills_the_context_is_refused() -> None:
    with pytest.raises(ContextExceeded):
        answer_limit(Sampling(), 100, 100)


def test_a_prompt_that_fills_max_length_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="max_length allows 10"):
        answer_limit(Sampling(max_length=10), 10, 100)


def test_only_an_answer_shorter_than_asked_is_worth_a_warning() -> None:
    assert room_warnings(Sampling(max_new_tokens=5), 5, 10) == []
    assert room_warnings(Sampling(), 90, 10) == []
    assert "from 500 to 90" in room_warnings(Sampling(max_new_tokens=500), 90, 10)[0]


@pytest.mark.parametrize(
    "sampling", [Sampling(), Sampling(max_new_tokens=7), Sampling(max_length=40), Sampling(max_length=2)]
)
def test_a_prompt_cut_to_its_budget_leaves_room(sampling: Sampling) -> None:
    budget = prompt_budget(sampling, 100)
    assert budget >= 1
    assert not needs_cut(sampling, budget, 100)


def test_empty_stop_strings_are_ignored() -> None:
    assert stop_strings(Sampling(stop=["", "a"])) == ["a"]
    assert stop_strings(Sampling(stop="x")) == ["x"]
    assert stop_strings(Sampling()) == []
