"""Decisions at a threshold."""

import pytest

from app.models.verdict import decide, in_words, step_of

SURE = {"negative": 0.1, "positive": 0.7, "neutral": 0.2}


def test_the_most_probable_label_wins():
    assert decide(SURE, 0.6).labels == ("positive",)
    assert decide(SURE, 0.6).probability == 0.7


def test_below_the_threshold_nothing_is_sure():
    assert not decide(SURE, 0.71).sure


@pytest.mark.parametrize("hundredths", range(101))
def test_a_probability_that_equals_the_threshold_counts(hundredths):
    assert decide({"a": hundredths / 100}, hundredths / 100).sure


def test_a_multi_label_model_gives_every_label_above_the_threshold():
    verdict = decide({"joy": 0.6, "love": 0.9, "fear": 0.1}, 0.5, multi_label=True)
    assert verdict.labels == ("love", "joy")


def test_no_labels_are_refused():
    with pytest.raises(ValueError, match="at least one label"):
        decide({}, 0.5)


def test_steps_stay_between_nothing_and_everything():
    assert (step_of(-0.2), step_of(1.7)) == (0, 100)


def test_a_label_begins_a_sentence():
    assert (in_words("very_negative"), in_words("LABEL_0")) == ("Very negative", "LABEL_0")
