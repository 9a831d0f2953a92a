"""Classification, compared with the library's own pipelines."""

from __future__ import annotations

import pytest
from transformers import pipeline

from sidecar.errors import ContextExceeded, InvalidRequest, Unsupported
from sidecar.runtime.protocol import Classify, Failed
from tests.helpers.models import tiny
from tests.helpers.worker import classify, drive, load, outcome

TEXTS = ["good sun", "bad rain and bad tea, what does it think", "a", "the small model reads every word of this text"]
LONG = "rain " * 100


@pytest.mark.parametrize("name", ["bert-single", "bert-multi", "gpt2-classifier"])
def test_probabilities_are_those_of_the_librarys_pipeline(name: str) -> None:
    result = classify(load(tiny(name), "classification"), Classify(1, TEXTS))
    reference = pipeline("text-classification", str(tiny(name)), top_k=None, device="cpu")
    for scores, text in zip(result.scores, TEXTS, strict=True):  # one by one: that tokenizer cannot pad
        expected = {entry["label"]: entry["score"] for entry in reference([text])[0]}
        assert dict(zip(result.labels, scores, strict=True)) == pytest.approx(expected, abs=1e-5)


def test_labels_exclude_each_other_unless_the_model_says_otherwise() -> None:
    single = classify(load(tiny("bert-single"), "classification"), Classify(1, TEXTS))
    several = classify(load(tiny("bert-multi"), "classification"), Classify(1, TEXTS))
    assert [sum(scores) for scores in single.scores] == pytest.approx([1] * len(TEXTS))
    assert (single.multi_label, several.multi_label) == (False, True)


def test_free_labels_are_scored_as_the_librarys_zero_shot_pipeline_does() -> None:
    labels = ["good", "bad", "about coffee"]
    result = classify(load(tiny("bert-nli"), "classification"), Classify(1, TEXTS, labels))
    reference = pipeline("zero-shot-classification", str(tiny("bert-nli")), device="cpu")
    for scores, text in zip(result.scores, TEXTS, strict=True):
        expected = reference(text, labels)
        assert dict(zip(labels, scores, strict=True)) == pytest.approx(
            dict(zip(expected["labels"], expected["scores"], strict=True)), abs=1e-5
        )
    assert result.labels == labels


def test_free_labels_are_unsupported_without_entailment() -> None:
    end = drive(load(tiny("bert-single"), "classification"), Classify(1, TEXTS, ["x"]))[1]
    assert isinstance(end, Failed)
    assert end.code == Unsupported.code


def test_a_text_that_is_too_long_is_refused_alone() -> None:
    ends = drive(load(tiny("bert-single"), "classification"), Classify(1, [LONG]), Classify(2, TEXTS))
    assert isinstance(ends[1], Failed)
    assert ends[1].code == ContextExceeded.code
    assert len(outcome(ends[2]).scores) == len(TEXTS)  # type: ignore[union-attr]


def test_a_text_without_any_token_is_refused_alone() -> None:
    ends = drive(load(tiny("gpt2-classifier"), "classification"), Classify(1, ["a", ""]), Classify(2, TEXTS))
    assert isinstance(ends[1], Failed)
    assert ends[1].code == InvalidRequest.code
    assert "text 2 is empty" in ends[1].message
    assert len(outcome(ends[2]).scores) == len(TEXTS)  # type: ignore[union-attr]


def test_a_truncated_text_is_reported() -> None:
    result = classify(load(tiny("bert-single"), "classification"), Classify(1, [LONG, "a"], truncate=True))
    assert result.warnings == ["1 text was longer than 48 tokens: only the beginning was read."]
    assert result.cut == [0]


def test_with_free_labels_a_truncated_text_is_named_once() -> None:
    request = Classify(1, ["a", LONG], ["x", "y", "z"], truncate=True)
    assert classify(load(tiny("bert-nli"), "classification"), request).cut == [1]


def test_requests_that_arrive_together_get_what_each_gets_alone() -> None:
    model = load(tiny("bert-single"), "classification")
    together = drive(model, *(Classify(i, [text]) for i, text in enumerate(TEXTS)))
    for i, text in enumerate(TEXTS):
        alone = classify(model, Classify(9, [text])).scores
        assert outcome(together[i]).scores[0] == pytest.approx(alone[0], abs=1e-6)  # type: ignore[union-attr]


def test_the_facts_name_labels_and_abilities() -> None:
    facts = load(tiny("bert-nli"), "classification").facts
    assert facts.labels == ["CONTRADICTION", "NEUTRAL", "ENTAILMENT"]
    assert facts.capabilities == ["classify", "zero-shot"]
    assert (facts.precision, facts.device, facts.context_length) == ("float32", "cpu", 48)
    assert facts.parameters > 0
    assert facts.memory_bytes > 1 << 20
