"""Predicted against measured, in words."""

import pytest

from app.views.models.forecast import basis, comparisons, fit, prepared, seconds
from sidecar.types import Fit, Measured, Prediction, PredictRequest, PredictResponse, Preparation, Range
from tests.app.models.test_installed import a_model

FITS = Fit("after_unloading", 1500.0, 900.0, 2000.0)
WRITES = Prediction(
    "int8", Range(1.0, 1.5, 2.0), Range(300, 400, 500), Range(1, 2, 3), Range(0.02, 0.03, 0.2), Range(22, 24, 27)
)
READS = Prediction(
    "int8", Range(1.0, 1.5, 2.0), Range(300, 400, 500), Range(1, 2, 3), texts_per_second=Range(80, 90, 99)
)


def answer(prediction=None, **measured):
    return PredictResponse("m", "1", PredictRequest(prompt_tokens=40), FITS, Measured(**measured), prediction, None)


def test_each_line_sets_the_range_beside_what_was_measured():
    found = comparisons(a_model("m"), answer(WRITES, load_s=1.2, first_token_s=0.5, tokens_per_second=23.0))
    assert [(line.title, line.predicted, line.interval, line.measured) for line in found] == [
        ("Loads in", "1.5 s", "1.0–2.0", "1.2 s"),
        ("Memory", "400 MB", "300–500", "–"),
        ("First token", "30 ms", "20 ms–0.20 s", "0.50 s"),
        ("Speed", "24 tok/s", "22–27", "23 tok/s"),
    ]
    assert [line.inside for line in found] == [True, True, False, True]


def test_lists_that_were_measured_are_not_judged_by_what_single_texts_would_take():
    found = comparisons(a_model("m", model_type="classification"), answer(READS, texts_per_second=1200.0))
    assert [(line.measured, line.inside) for line in found if line.title == "Speed"] == [("1,200 texts/s", True)]


def test_what_was_measured_is_told_without_a_prediction_too():
    assert [line.title for line in comparisons(a_model("m"), answer(load_s=1.2))] == ["Loads in"]
    assert comparisons(a_model("m"), answer()) == []


def test_it_is_said_what_the_figures_rest_on():
    assert "texts of 40 tokens" in basis(answer(WRITES))
    assert "1 load and 3 answers" in basis(answer(loads=1, answers=3))
    assert "Nothing was measured yet" in basis(answer())


def test_whether_it_fits_is_told_with_the_figures():
    assert fit(FITS) == ("fits after unloading", "warning", "It needs 1.5 GB; 900 MB are free.")


def test_a_preparation_is_told_with_what_was_asked_of_it():
    made = Preparation("ctranslate2", "classification", "int8", True, "", 34, {"agreement": 1.0}, {"agreement": 0.97})
    assert prepared(made) == "int8 · compared on 34 sample texts: agreement 1 (asked: 0.97)"


@pytest.mark.parametrize(
    ("value", "words"), [(0.0018, "1.8 ms"), (0.018, "18 ms"), (0.42, "0.42 s"), (3.14, "3.1 s"), (130, "2 min")]
)
def test_moments_and_minutes_have_units_of_their_own(value, words):
    assert seconds(value) == words
