"""Measures and thresholds of verification."""

from __future__ import annotations

import numpy as np
import pytest

from sidecar.engines.comparing import samples
from sidecar.engines.verification import (
    THRESHOLDS,
    chrf,
    compare_scores,
    compare_vectors,
    complaint,
)


def test_equal_texts_have_the_highest_chrf_and_strange_ones_none() -> None:
    assert chrf(["Guten Morgen!", "Hallo"], ["Guten Morgen!", "Hallo"]) == pytest.approx(100)
    assert chrf(["abc"], ["xyz"]) == 0
    assert chrf([""], [""]) == 100
    assert chrf(["abc"], [""]) == 0


def test_chrf_of_a_known_pair() -> None:
    """Precision and recall of 1-grams 3/4, 2-grams 2/3, 3-grams 1/2, longer ones none of one."""
    assert chrf(["abcd"], ["abce"]) == pytest.approx(100 * (3 / 4 + 2 / 3 + 1 / 2 + 0) / 4)


def test_labels_agree_when_the_likeliest_is_the_same() -> None:
    found = compare_scores([[0.6, 0.4], [0.3, 0.7]], [[0.55, 0.45], [0.6, 0.4]], multi_label=False)
    assert found == {"agreement": 0.5, "max_deviation": pytest.approx(0.3)}


def test_several_labels_agree_when_all_are_on_the_same_side() -> None:
    found = compare_scores([[0.6, 0.4], [0.9, 0.7]], [[0.8, 0.45], [0.6, 0.4]], multi_label=True)
    assert found["agreement"] == 0.5


def test_the_lowest_cosine_counts() -> None:
    assert compare_vectors(np.eye(2), np.array([[1.0, 0.0], [0.6, 0.8]])) == {"cosine": pytest.approx(0.8)}


def test_a_complaint_has_the_numbers() -> None:
    said = complaint("classification", {"agreement": 0.9, "max_deviation": 0.01})
    assert "0.9, at least 0.97 is asked" in said
    assert "probability" not in said
    assert complaint("embedding", {"cosine": 0.99}) == ""
    assert complaint("embedding", {"cosine": float("nan")})


@pytest.mark.parametrize("task", THRESHOLDS)
def test_every_task_has_sample_texts(task: str) -> None:
    texts = [text for group in samples(task).values() for text in group]  # type: ignore[arg-type]
    assert len(texts) >= 6
    assert len(set(texts)) == len(texts)
