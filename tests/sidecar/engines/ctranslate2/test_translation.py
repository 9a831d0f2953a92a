"""Translation, compared with the transformers engine on the same models and texts."""

from __future__ import annotations

import msgspec
import pytest

from sidecar.engines.translating import UNWANTED
from sidecar.runtime.protocol import Failed, Generate, Translate, Translated
from sidecar.types import Sampling, TranslationOptions
from tests.helpers.models import tiny
from tests.helpers.worker import answer, drive, load, outcome, translate

from .conftest import Converted

TEXTS = ["the small model", "good rain, bad sun and tea?", "coffee", "text"]
FAMILIES = ["marian", "marian-multilingual", "t5", "t5-tasks", "t5-second", "nllb", "m2m100", "mbart50", "mbart25"]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_translates_as_the_original_does(name: str, converted: Converted) -> None:
    request = Translate(1, TEXTS, "en", "de")
    reference = load(tiny(name), "translation")
    model = converted(name, "translation")
    assert translate(model, request).texts == translate(reference, request).texts
    assert model.facts.languages == reference.facts.languages


def test_the_second_generation_of_t5_weighs_its_beams_as_the_original_does(converted: Converted) -> None:
    request = Translate(1, TEXTS, "en", "de", options=TranslationOptions(num_beams=4))
    reference = translate(load(tiny("t5-second"), "translation"), request)
    assert translate(converted("t5-second", "translation"), request).texts == reference.texts


@pytest.mark.parametrize(
    "options", [TranslationOptions(num_beams=4), TranslationOptions(max_new_tokens=5), TranslationOptions(num_beams=1)]
)
def test_options_mean_the_same_in_both_engines(options: TranslationOptions, converted: Converted) -> None:
    request = Translate(1, TEXTS, "en", "de", options=options)
    reference = translate(load(tiny("mbart25"), "translation"), request)
    assert translate(converted("mbart25", "translation"), request).texts == reference.texts


def test_beams_that_do_not_look_at_the_length_mean_the_same_in_both_engines(converted: Converted) -> None:
    options = TranslationOptions(num_beams=4, length_penalty=0.0)
    request = Translate(1, ["good", "the small coffee"], "en", "de", options=options)
    found = translate(converted("nllb", "translation"), request).texts
    assert found == translate(load(tiny("nllb"), "translation"), request).texts
    plain = msgspec.structs.replace(request, options=TranslationOptions(num_beams=4))
    assert found != translate(converted("nllb", "translation"), plain).texts


def test_a_search_with_beams_ends_after_the_part_in_which_it_was_cancelled(
    converted: Converted, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = converted("marian", "translation")
    monkeypatch.setattr(model.pulse, "every_s", 0.0)
    translator = model.whole_translator
    assert translator
    encoding = translator.encode(Translate(1, TEXTS * 5, "en", "de", options=TranslationOptions(num_beams=4)))
    whole = translator.forward(encoding.inputs)
    wanted = iter([True, True])
    monkeypatch.setattr(model.pulse, "listener", lambda: next(wanted, False))
    assert translator.forward(encoding.inputs) == whole[:16] + [UNWANTED] * 4


def test_no_sequence_repeats_where_that_is_asked(converted: Converted) -> None:
    model = converted("marian", "translation")
    plain = translate(model, Translate(1, TEXTS, "en", "de")).texts[0]
    options = TranslationOptions(no_repeat_ngram_size=2)
    held = translate(model, Translate(1, TEXTS, "en", "de", options=options)).texts[0]
    assert "本本本" in plain
    assert "本本本" not in held


@pytest.mark.parametrize("name", ["nllb", "nllb-least", "marian"])
@pytest.mark.parametrize(
    "options",
    [
        TranslationOptions(),
        TranslationOptions(min_new_tokens=0),
        TranslationOptions(min_new_tokens=16),
    ],
)
def test_a_translation_is_at_least_as_long_in_both_engines(
    name: str, options: TranslationOptions, converted: Converted
) -> None:
    request = Translate(1, [*TEXTS, "good", "tea text"], "en", "de", options=options)
    reference = translate(load(tiny(name), "translation"), request)
    assert translate(converted(name, "translation"), request).texts == reference.texts


def test_a_search_with_beams_keeps_to_the_minimum(converted: Converted) -> None:
    model = converted("nllb", "translation")
    texts = ["the", "bad", "sun", "good"]
    plain = Translate(1, texts, "en", "de", options=TranslationOptions(num_beams=4))
    least = Translate(1, texts, "en", "de", options=TranslationOptions(num_beams=4, min_new_tokens=22))
    assert translate(model, plain).completion_tokens < 4 * 23
    assert translate(model, least).completion_tokens == 4 * 23


def test_a_text_to_text_model_writes_at_least_as_much_as_the_original(converted: Converted) -> None:
    sampling = Sampling(temperature=0.0, max_new_tokens=30, repetition_penalty=1.0)
    asked = [Generate(i, text, None, sampling) for i, text in enumerate([*TEXTS, "good", "tea text"])]
    own, reference = (
        answer(converted("nllb-least", "translation"), *asked),
        answer(load(tiny("nllb-least"), "translation"), *asked),
    )
    assert {key: text for key, (text, _) in own.items()} == {key: text for key, (text, _) in reference.items()}


@pytest.mark.parametrize("name", ["marian", "nllb", "t5-tasks", "m2m100"])
def test_the_hypotheses_are_those_of_the_original(name: str, converted: Converted) -> None:
    options = TranslationOptions(num_beams=4, num_hypotheses=3)
    request = Translate(1, TEXTS, "en", "de", options=options)
    own = translate(converted(name, "translation"), request)
    assert own.hypotheses == translate(load(tiny(name), "translation"), request).hypotheses
    assert [best for best, *_ in own.hypotheses] == own.texts


def test_more_than_the_model_may_write_is_refused_as_a_minimum(converted: Converted) -> None:
    request = Translate(1, TEXTS, "en", "de", options=TranslationOptions(min_new_tokens=23))
    for model in (converted("nllb", "translation"), load(tiny("nllb"), "translation")):
        refused = drive(model, request)[1]
        assert isinstance(refused, Failed)
        assert "at most 23 tokens" in refused.message


def test_requests_with_different_options_may_share_a_batch(converted: Converted) -> None:
    model = converted("marian", "translation")
    short = Translate(1, TEXTS, "en", "de", options=TranslationOptions(max_new_tokens=3))
    ends = drive(model, short, Translate(2, TEXTS, "en", "de"))
    first, second = outcome(ends[1]), outcome(ends[2])
    assert isinstance(first, Translated)
    assert isinstance(second, Translated)
    assert first.texts == translate(model, short).texts
    assert second.texts == translate(model, Translate(1, TEXTS, "en", "de")).texts


def test_a_translation_that_reaches_the_limit_says_so(converted: Converted) -> None:
    options = TranslationOptions(max_new_tokens=3)
    result = translate(converted("nllb", "translation"), Translate(1, TEXTS, "en", "de", options=options))
    assert "4 of 4" in result.warnings[0]


def test_sampling_draws_and_a_seed_is_refused(converted: Converted) -> None:
    model = converted("nllb", "translation")
    options = TranslationOptions(temperature=3.0)
    drawn = {translate(model, Translate(1, ["text"], "en", "de", options=options)).texts[0] for _ in range(6)}
    assert len(drawn) > 1
    refused = drive(model, Translate(1, ["text"], "en", "de", options=TranslationOptions(temperature=1.0, seed=1)))[1]
    assert isinstance(refused, Failed)
    assert "seed" in refused.message


def test_a_long_text_keeps_its_paragraphs(converted: Converted) -> None:
    sentence = "the small model reads every word of this text. "
    text = f"{sentence * 12}\n\n\n- coffee\n- tea\n"
    result = translate(converted("marian", "translation"), Translate(1, [text, "tea"], "en", "de"))
    long, short = result.texts
    assert long.endswith("\n")
    first, second, third = [part for part in long.split("\n") if part]
    assert long == f"{first}\n\n\n{second}\n{third}\n"
    assert len(first) > len(second)
    assert short == translate(converted("marian", "translation"), Translate(1, ["tea"], "en", "de")).texts[0]
