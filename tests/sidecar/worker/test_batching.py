"""Batches of similar length within a token budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.worker.batching import Batcher, Piece


def batches(batcher: Batcher) -> list[list[Piece]]:
    found = []
    while len(batcher):
        found.append(batcher.take())
    return found


def add(batcher: Batcher, job: int, lengths: list[int]) -> None:
    batcher.add(job, [f"{job}.{index}" for index in range(len(lengths))], lengths)


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=20), min_size=1, max_size=5), st.integers(1, 200))
def test_every_text_is_taken_once_and_no_batch_is_over_the_budget(jobs: list[list[int]], budget: int) -> None:
    batcher = Batcher(budget)
    for job, lengths in enumerate(jobs):
        add(batcher, job, lengths)
    taken = batches(batcher)
    inputs = [piece.input for batch in taken for piece in batch]
    assert sorted(inputs) == sorted(f"{job}.{i}" for job, lengths in enumerate(jobs) for i in range(len(lengths)))
    for batch in taken:
        assert len(batch) == 1 or len(batch) * max(1, *(piece.length for piece in batch)) <= budget


def test_texts_of_similar_length_go_together() -> None:
    batcher = Batcher(40)
    add(batcher, 1, [3, 20, 4, 19, 5])
    assert [[piece.length for piece in batch] for batch in batches(batcher)] == [[19, 20], [3, 4, 5]]


def test_a_batch_that_joins_another_keeps_to_the_room_that_is_left() -> None:
    batcher = Batcher(100)
    add(batcher, 1, [10] * 20)
    assert len(batcher.take(35)) == 3
    assert len(batcher.take(1000)) == 10
    assert len(batcher) == 7


def test_where_the_text_whose_turn_it_is_does_not_fit_nothing_is_taken_and_it_keeps_its_turn() -> None:
    batcher = Batcher(100)
    add(batcher, 1, [50])
    add(batcher, 2, [3])
    assert batcher.take(20) == []
    assert [piece.job for piece in batcher.take()] == [1]


def test_texts_of_different_jobs_share_a_batch() -> None:
    batcher = Batcher(100)
    for job in range(5):
        add(batcher, job, [10])
    assert {piece.job for piece in batcher.take()} == set(range(5))


def test_a_small_job_does_not_wait_for_a_large_one() -> None:
    batcher = Batcher(100)
    add(batcher, 1, [40] * 1000)
    batcher.take()
    add(batcher, 2, [3])
    assert [piece.job for piece in batcher.take()] == [2]


def test_a_large_job_has_its_turn_among_any_number_of_small_ones() -> None:
    batcher = Batcher(100)
    add(batcher, 1, [40] * 1000)
    led = []
    for job in range(2, 12):
        led.append(batcher.take()[0].job)
        add(batcher, job, [3])
    assert led.count(1) >= len(led) // 2


def test_short_texts_are_not_padded_to_the_length_of_long_ones() -> None:
    batcher = Batcher(10_000)
    add(batcher, 1, [500, 300, 10, 20])
    assert [[piece.length for piece in batch] for batch in batches(batcher)] == [[300, 500], [10, 20]]


def test_a_text_longer_than_the_budget_goes_alone() -> None:
    batcher = Batcher(10)
    add(batcher, 1, [50, 2])
    assert [[piece.length for piece in batch] for batch in batches(batcher)] == [[50], [2]]


def test_a_removed_job_is_not_taken() -> None:
    batcher = Batcher(10)
    add(batcher, 1, [5, 5, 5])
    add(batcher, 2, [5])
    batcher.remove(1)
    assert [[piece.job for piece in batch] for batch in batches(batcher)] == [[2]]
