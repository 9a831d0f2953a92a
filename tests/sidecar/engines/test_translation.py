"""Translation, compared with the library's `generate` for each way that models are told the languages."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from sidecar.engines.base import Model
from sidecar.errors import InvalidRequest, Unsupported
from sidecar.runtime.protocol import Cancel, Failed, Load, Translate
from sidecar.types import TranslationOptions
from sidecar.worker.scheduler import Scheduler
from tests.helpers.models import tiny
from tests.helpers.worker import drive, ends, load, outcome, run, translate

TEXTS = ["the small model", "good rain, bad sun and tea?", "coffee", "text"]


def reference(name: str, text: str, prefix: str = "", **generation: Any) -> str:
    tokenizer = AutoTokenizer.from_pretrained(tiny(name))
    model = AutoModelForSeq2SeqLM.from_pretrained(tiny(name))
    inputs = tokenizer(prefix + text, return_tensors="pt")
    with torch.inference_mode():
        ids = model.generate(**inputs, do_sample=False, **{"num_beams": 1, **generation})[0]
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def refusal(model: Model, request: Translate) -> Failed:
    end = drive(model, request)[request.id]
    assert isinstance(end, Failed)
    return end


def test_marian_translates_as_generate_does() -> None:
    result = translate(load(tiny("marian"), "translation"), Translate(1, TEXTS, "en", "de"))
    assert result.texts == [reference("marian", text) for text in TEXTS]


def test_a_multilingual_marian_is_told_the_language_in_front_of_the_text() -> None:
    result = translate(load(tiny("marian-multilingual"), "translation"), Translate(1, TEXTS, "en", "de"))
    assert result.texts == [reference("marian-multilingual", text, ">>deu<< ") for text in TEXTS]


def test_t5_is_told_by_the_prefix_of_its_task() -> None:
    result = translate(load(tiny("t5-tasks"), "translation"), Translate(1, TEXTS, "eng", "de"))
    prefix = "translate English to German: "
    assert result.texts == [reference("t5-tasks", text, prefix, max_length=24) for text in TEXTS]


def test_t5_without_tasks_is_told_in_english() -> None:
    result = translate(load(tiny("t5"), "translation"), Translate(1, ["good"], "en", "fr"))
    prefix = "translate English to French: "
    assert result.texts == [reference("t5", "good", prefix)]


@pytest.mark.parametrize(
    ("name", "token", "setting"),
    [
        ("nllb", "deu_Latn", "forced_bos_token_id"),
        ("m2m100", "__de__", "forced_bos_token_id"),
        ("mbart50", "de_DE", "forced_bos_token_id"),
        ("mbart25", "de_DE", "decoder_start_token_id"),
    ],
)
def test_models_with_language_tokens_get_the_target_as_one(name: str, token: str, setting: str) -> None:
    result = translate(load(tiny(name), "translation"), Translate(1, TEXTS, "en", "de"))
    target = AutoTokenizer.from_pretrained(tiny(name)).convert_tokens_to_ids(token)
    assert result.texts == [reference(name, text, **{setting: target}) for text in TEXTS]


def test_the_source_language_changes_what_nllb_reads() -> None:
    translator = load(tiny("nllb"), "translation").translator
    assert translator
    tokenizer = AutoTokenizer.from_pretrained(tiny("nllb"))
    first = [
        translator.prepare(Translate(1, ["tea"], code, "de")).prompts[0].token_ids[0] for code in ("en", "fra_Latn")
    ]
    assert first == tokenizer.convert_tokens_to_ids(["eng_Latn", "fra_Latn"])


def test_a_pair_that_is_not_supported_is_refused_with_those_that_are() -> None:
    end = refusal(load(tiny("marian"), "translation"), Translate(1, TEXTS, "en", "fr"))
    assert end.code == Unsupported.code
    assert end.message.endswith("it knows de.")


def test_a_pair_that_t5_was_not_trained_on_is_refused() -> None:
    end = refusal(load(tiny("t5-tasks"), "translation"), Translate(1, TEXTS, "de", "en"))
    assert end.code == Unsupported.code
    assert "en to de" in end.message


def test_a_missing_target_is_refused_with_the_languages_there_are() -> None:
    end = refusal(load(tiny("nllb"), "translation"), Translate(1, TEXTS, "en"))
    assert end.code == InvalidRequest.code
    assert "deu_Latn" in end.message


def test_a_source_that_was_assumed_is_reported() -> None:
    result = translate(load(tiny("nllb"), "translation"), Translate(1, TEXTS, None, "de"))
    assert result.warnings[0] == "source_lang was not given; eng_Latn was assumed."


def test_translations_cut_at_the_models_limit_are_reported() -> None:
    result = translate(load(tiny("t5-tasks"), "translation"), Translate(1, TEXTS, "en", "de"))
    assert "cut at the model's length limit" in result.warnings[-1]


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        ("marian", ["en", "de"]),
        ("nllb", ["deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans", "zho_Hant"]),
        ("t5-tasks", ["en", "de"]),
    ],
)
def test_the_facts_name_the_languages(name: str, languages: list[str]) -> None:
    facts = load(tiny(name), "translation").facts
    assert facts.languages == languages
    assert "translate" in facts.capabilities


def test_texts_of_several_requests_come_back_to_their_own() -> None:
    model = load(tiny("marian"), "translation")
    ends = drive(model, *(Translate(i, [text, TEXTS[0]]) for i, text in enumerate(TEXTS)), batch_tokens=30)
    expected = {text: reference("marian", text) for text in TEXTS}
    for i, text in enumerate(TEXTS):
        assert outcome(ends[i]).texts == [expected[text], expected[TEXTS[0]]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "asked",
    [
        {"num_beams": 3, "length_penalty": 0.5, "no_repeat_ngram_size": 2, "repetition_penalty": 1.2},
        {"num_beams": 4, "length_penalty": 0.0},
        {"num_beams": 2, "min_new_tokens": 16},
        {"num_beams": 1, "min_new_tokens": 16},
    ],
)
def test_beam_search_is_the_librarys_own(asked: dict[str, Any]) -> None:
    texts = [*TEXTS, "good"]
    request = Translate(1, texts, "en", "de", options=TranslationOptions(**asked))
    result = translate(load(tiny("nllb"), "translation"), request)
    target = AutoTokenizer.from_pretrained(tiny("nllb")).convert_tokens_to_ids("deu_Latn")
    assert result.texts == [reference("nllb", text, forced_bos_token_id=target, **asked).strip() for text in texts]


def test_beam_search_tells_of_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    model, told = load(tiny("nllb"), "translation"), []
    monkeypatch.setattr(model.pulse, "every_s", 0.0)
    monkeypatch.setattr(model.pulse, "listener", lambda: told.append(1) is None)
    options = TranslationOptions(num_beams=4, max_new_tokens=12)
    translate(model, Translate(1, TEXTS, "en", "de", options=options))
    assert len(told) == 1 + 12


def test_beam_search_ends_within_a_step_once_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    model, told = load(tiny("nllb"), "translation"), []
    monkeypatch.setattr(model.pulse, "every_s", 0.0)
    scheduler = Scheduler(model, Load("test", "", "translation"))

    def cancelled_at_the_third() -> bool:
        told.append(1)
        if len(told) == 3:
            scheduler.accept(Cancel(1))
        return scheduler.wanted

    scheduler.listen(cancelled_at_the_third)
    scheduler.accept(Translate(1, TEXTS, "en", "de", options=TranslationOptions(num_beams=4)))
    (end,) = ends(run(scheduler)).values()
    assert isinstance(end, Failed)
    assert end.code == "cancelled"
    assert len(told) == 3
    assert not scheduler.busy


def test_no_sequence_repeats_in_greedy_translation_where_that_is_asked() -> None:
    options = TranslationOptions(no_repeat_ngram_size=2)
    result = translate(load(tiny("nllb"), "translation"), Translate(1, TEXTS, "en", "de", options=options))
    target = AutoTokenizer.from_pretrained(tiny("nllb")).convert_tokens_to_ids("deu_Latn")
    expected = [reference("nllb", text, forced_bos_token_id=target, no_repeat_ngram_size=2) for text in TEXTS]
    assert result.texts == [text.strip() for text in expected]


def test_a_seed_repeats_what_was_drawn() -> None:
    model = load(tiny("nllb"), "translation")
    options = TranslationOptions(temperature=2.0, seed=7)
    first, second = (translate(model, Translate(1, TEXTS, "en", "de", options=options)).texts for _ in range(2))
    assert first == second
    assert first != translate(model, Translate(1, TEXTS, "en", "de")).texts


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (TranslationOptions(length_penalty=2.0), "length_penalty"),
        (TranslationOptions(num_beams=2, temperature=1.0), "temperature"),
        (TranslationOptions(top_k=5, seed=1), "top_k, seed"),
        (TranslationOptions(num_hypotheses=1), "num_hypotheses"),
        (TranslationOptions(num_beams=2, num_hypotheses=3), "num_hypotheses"),
    ],
)
def test_options_without_effect_are_refused_by_name(options: TranslationOptions, named: str) -> None:
    failed = refusal(load(tiny("marian"), "translation"), Translate(1, TEXTS, "en", "de", options=options))
    assert failed.code == "invalid_request"
    assert named in failed.message


def test_a_long_texts_hypotheses_are_made_of_those_of_its_pieces() -> None:
    model = load(tiny("nllb"), "translation")
    options = TranslationOptions(num_beams=3, num_hypotheses=2)
    asked = Translate(1, ["good rain", "tea\n\ncoffee"], "en", "de", options=options)
    apart = translate(model, msgspec.structs.replace(asked, texts=["tea", "coffee"])).hypotheses
    tea, coffee = ([text.strip() for text in texts] for texts in apart)
    whole, pieces = translate(model, asked).hypotheses
    assert whole[0] != whole[1]
    assert pieces == [f"{tea[0]}\n\n{coffee[0]}", f"{tea[1]}\n\n{coffee[1]}"]


def test_a_text_longer_than_the_model_reads_is_translated_in_pieces() -> None:
    model = load(tiny("marian"), "translation")
    sentence = "the small model reads every word of this text."
    text = f"{' '.join([sentence] * 10)}\n\ntea"
    once = translate(model, Translate(1, [sentence, "tea"], "en", "de")).texts
    result = translate(model, Translate(1, [text], "en", "de")).texts[0]
    assert result == f"{' '.join([once[0].strip()] * 10)}\n\n{once[1].strip()}"
