"""Results in arrays, and counts from histograms."""

import random

import pytest

from app.models.result_list import FAILED, WAITING, ResultList, TextList
from app.models.verdict import decide

LABELS = ("positive", "neutral", "negative")


def results_of(count, **options):
    return ResultList(TextList("list", [f"text {row}" for row in range(count)], range(1, count + 1)), **options)


def filled(count, *, multi_label=False):
    chance = random.Random(7)
    results = results_of(count, multi_label=multi_label)
    for row in range(count):
        results.set_result(row, {label: chance.random() for label in LABELS})
    return results


def test_rows_wait_until_they_have_an_answer():
    results = results_of(2)
    results.set_result(1, {"positive": 0.9, "negative": 0.1})
    assert (results.state(0), results.verdict(0, 0.5)) == (WAITING, None)
    assert results.probabilities(1) == pytest.approx({"positive": 0.9, "negative": 0.1})


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.29, 0.5, 0.87, 1.0])
def test_counts_agree_with_the_decisions_row_by_row(multi_label, threshold):
    results = filled(500, multi_label=multi_label)
    counts = results.counts(threshold)
    verdicts = [decide(results.probabilities(row), threshold, multi_label=multi_label) for row in range(500)]
    assert counts.labels == {label: sum(label in verdict.labels for verdict in verdicts) for label in LABELS}
    assert counts.not_sure == sum(not verdict.sure for verdict in verdicts)
    assert [results.verdict(row, threshold) for row in range(500)] == verdicts


def test_an_answer_replaces_the_one_before():
    results = results_of(1)
    results.set_result(0, {"positive": 0.9, "negative": 0.1})
    results.set_result(0, {"positive": 0.2, "negative": 0.8})
    assert results.counts(0.5).labels == {"positive": 0, "negative": 1}
    assert results.classified == 1


def test_a_failed_row_says_why_and_can_wait_again():
    results = results_of(2)
    results.set_failure(0, "too hot")
    assert (results.state(0), results.failures[0], results.counts(0.5).failed) == (FAILED, "too hot", 1)
    results.retry_failures()
    assert (results.state(0), results.counts(0.5).waiting) == (WAITING, 2)


def test_the_next_waiting_row_is_found_behind_the_answered_ones():
    results = filled(5)
    results.set_failure(3, "why")
    results.retry_failures()
    assert (results.next_waiting(0), results.next_waiting(4)) == (3, None)


def test_clearing_keeps_the_texts():
    results = filled(3)
    results.clear()
    assert (len(results), results.classified, results.counts(0.5).waiting) == (3, 0, 3)


def test_an_answer_without_labels_is_refused():
    with pytest.raises(ValueError, match="without labels"):
        results_of(1).set_result(0, {})
