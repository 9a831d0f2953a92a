"""The decoder of the Bart family that is computed here, beside the library's; rows that join, leave and are taken in again."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import (
    BartConfig,
    BartForCausalLM,
    BartForConditionalGeneration,
    BartForSequenceClassification,
    BartModel,
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    MBartConfig,
    MBartForConditionalGeneration,
    PegasusConfig,
    PegasusForConditionalGeneration,
)

from sidecar.engines.base import Answer, Generator, Prompt
from sidecar.engines.comparing import Running
from sidecar.engines.transformers import generation, in_place, seq2seq_batch
from sidecar.engines.transformers.fused import seq2seq
from sidecar.engines.transformers.fused.past import BatchPast
from sidecar.engines.transformers.fused.seq2seq import Seq2SeqDecoder
from sidecar.engines.transformers.generation import TransformersGenerator
from sidecar.engines.transformers.preparation import Beginning
from sidecar.engines.transformers.preparation import begin as begin_with
from sidecar.engines.transformers.seq2seq_batch import BEGINNINGS, Seq2SeqBatch
from sidecar.runtime.protocol import Load, Translate
from sidecar.types import Sampling, TranslationOptions
from sidecar.worker.scheduler import Scheduler
from tests.helpers.models import tiny, with_random_weights
from tests.helpers.worker import ends, load, outcome, run, translate

FAMILIES: dict[str, tuple[Any, Any]] = {
    "marian": (MarianConfig, MarianMTModel),
    "bart": (BartConfig, BartForConditionalGeneration),
    "mbart": (MBartConfig, MBartForConditionalGeneration),
    "m2m_100": (M2M100Config, M2M100ForConditionalGeneration),
    "pegasus": (PegasusConfig, PegasusForConditionalGeneration),
}
SIZES = {
    "vocab_size": 80,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": None,
}
END = 2
TEXTS = ["the small model", "good rain, bad sun and tea?", "coffee", "text"]


def library_model(family: str) -> Any:
    config, model_class = FAMILIES[family]
    return with_random_weights(lambda: model_class(config(**SIZES)), seed=4)


def fused_model(family: str) -> Any:
    model = library_model(family)
    assert seq2seq.can_fuse(model)
    seq2seq.fuse(model)
    return model


def inputs(rows: int = 3) -> dict[str, torch.Tensor]:
    """Sources of different lengths, padded on the right."""
    torch.manual_seed(5)
    mask = torch.tensor([[1] * length + [0] * (9 - length) for length in (9, 4, 6)[:rows]])
    ids = torch.randint(3, 80, (rows, 9)) * mask + (1 - mask)
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_the_library_s(family: str) -> None:
    written = torch.randint(3, 80, (3, 7), generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        expected = library_model(family)(**inputs(), decoder_input_ids=written).logits
        found = fused_model(family)(**inputs(), decoder_input_ids=written).logits
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_decoder_must_not_see_changes_nothing(family: str) -> None:
    model, seen = fused_model(family), torch.tensor([[1, 1, 0, 1]] * 3)
    first, second = torch.full((3, 4), 20), torch.full((3, 4), 20)
    second[:, 2] = 30
    with torch.inference_mode():
        one, other = (
            model(**inputs(), decoder_input_ids=ids, decoder_attention_mask=seen).logits[:, -1]
            for ids in (first, second)
        )
        plain = model(**inputs(), decoder_input_ids=second).logits[:, -1]
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert not torch.allclose(one, plain)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("beams", [1, 4])
def test_the_library_generates_with_it_what_it_generates_alone(family: str, beams: int) -> None:
    asked = {"max_length": 14, "num_beams": beams, "do_sample": False, "no_repeat_ngram_size": 2}
    with torch.inference_mode():
        expected = library_model(family).generate(**inputs(), **asked)
        found = fused_model(family).generate(**inputs(), **asked)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_that_are_stepped_get_the_scores_of_the_whole(family: str) -> None:
    model, source = fused_model(family), inputs()
    decoder, lengths = model.get_decoder(), source["attention_mask"].sum(1).tolist()
    tokens = torch.randint(3, 80, (3, 6), generator=torch.Generator().manual_seed(7))
    with torch.inference_mode():
        whole = model.model(**source, decoder_input_ids=tokens).last_hidden_state
        written, read = (BatchPast(decoder.shape, 4) for _ in range(2))
        written.fill([], [0, 0, 0])
        read.fill(decoder.sources(model.get_encoder()(**source).last_hidden_state), lengths)
        for column in range(6):
            hidden = decoder.step(tokens[:, column].tolist(), written, read)
            torch.testing.assert_close(hidden, whole[:, column], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_read_is_what_the_library_reads_alone_and_beside_others(family: str) -> None:
    source, own = inputs(), fused_model(family).get_encoder()
    with torch.inference_mode():
        expected = library_model(family).get_encoder()(**source).last_hidden_state
        found = own(**source).last_hidden_state
        for row, length in enumerate(source["attention_mask"].sum(1).tolist()):
            alone = own(input_ids=source["input_ids"][row : row + 1, :length]).last_hidden_state
            for other in (expected[row, :length], alone[0]):
                torch.testing.assert_close(found[row, :length], other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_weight_is_in_memory_twice(family: str) -> None:
    either = library_model(family), fused_model(family)
    counts = [sum(parameter.numel() for parameter in model.parameters()) for model in either]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("model_class", [BartModel, BartForSequenceClassification, BartForCausalLM])
def test_what_does_not_write_what_it_read_keeps_its_own_decoder(model_class: Any) -> None:
    assert not seq2seq.can_fuse(model_class(BartConfig(**SIZES)))


def test_other_models_keep_their_own_decoder() -> None:
    assert not seq2seq.can_fuse(library_model("bart").to(torch.bfloat16))
    generator = load(tiny("t5"), "translation").generator
    assert isinstance(generator, TransformersGenerator)
    assert not generator.joins


# ---- the batch ------------------------------------------------------------------------------------------------------


def generator_of(family: str) -> TransformersGenerator:
    generator = TransformersGenerator(fused_model(family), 1, prepare=lambda request: pytest.fail("not asked"))
    assert isinstance(generator._batch, Seq2SeqBatch)
    assert generator.joins
    return generator


def running(key: int, source: list[int], *, penalty: float = 1.0, limit: int = 12, **extra: int) -> Running:
    prompt = Prompt(
        token_ids=source,
        limit=limit,
        end_ids=frozenset([END]),
        decode=str,
        sampling=Sampling(temperature=0.0, repetition_penalty=penalty),
        seed=key,
        extra=extra,
    )
    return Running(key, prompt, [])


def advance(generator: Generator, rows: list[Running], steps: int) -> None:
    for _ in range(steps):
        for row, token in zip(rows, generator.step(rows), strict=True):
            row.generated.append(token)


def begin(generator: Generator, rows: list[Running]) -> None:
    for row, token in zip(rows, generator.start(rows), strict=True):
        assert token is not None
        row.generated.append(token)


def out_of_memory() -> None:
    raise MemoryError


def alone(family: str, row: Running, tokens: int) -> list[int]:
    single, generator = Running(row.key, row.prompt, []), generator_of(family)
    begin(generator, [single])
    advance(generator, [single], tokens - 1)
    return single.generated


SOURCES = [[5, 9, 30, 2], [44, 2], [17, 18, 19, 20, 21, 22, 2], [60, 7, 2]]


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_that_join_and_leave_write_what_they_write_alone(family: str) -> None:
    generator = generator_of(family)
    rows = [
        running(1, SOURCES[0]),
        running(2, SOURCES[1], penalty=1.5),
        running(3, SOURCES[2], no_repeat_ngram_size=2),
        running(4, SOURCES[3], penalty=1.5),
    ]
    begin(generator, rows[:2])
    advance(generator, rows[:2], 3)
    begin(generator, rows[2:])
    advance(generator, rows, 2)
    generator.drop([rows[0]])
    advance(generator, rows[1:], 3)
    generator.drop([rows[1], rows[3]])
    advance(generator, rows[2:3], 1)
    generator.drop(rows)
    lengths = [6, 9, 7, 6]
    assert [len(row.generated) for row in rows] == lengths
    for row, length in zip(rows, lengths, strict=True):
        assert row.generated == alone(family, row, length), f"row {row.key}"


def test_rows_that_were_dropped_go_on_where_they_were() -> None:
    generator, rows = generator_of("mbart"), [running(1, SOURCES[0]), running(2, SOURCES[2])]
    begin(generator, rows)
    advance(generator, rows, 3)
    generator.drop(rows)
    begin(generator, rows)
    advance(generator, rows, 3)
    for row in rows:
        assert row.generated == alone("mbart", row, 8)


def test_rows_that_find_no_room_leave_those_that_run_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, rows = generator_of("bart"), [running(1, SOURCES[0]), running(2, SOURCES[2])]
    begin(generator, rows[:1])
    assert isinstance(generator._batch, Seq2SeqBatch)
    with monkeypatch.context() as patched:
        patched.setattr(generator._batch._read, "reserve_for", lambda other: out_of_memory())
        with pytest.raises(MemoryError):
            generator.start(rows[1:])
    generator.drop(rows[1:])
    advance(generator, rows[:1], 3)
    begin(generator, rows[1:])
    advance(generator, rows, 2)
    assert [row.generated for row in rows] == [alone("bart", rows[0], 6), alone("bart", rows[1], 3)]


def test_what_rows_begin_with_is_asked_of_the_library_once_and_not_kept_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def counting(model: Any, answer: Answer, pad_id: int) -> Beginning:
        asked.append(answer.prompt.limit)
        return begin_with(model, answer, pad_id)

    monkeypatch.setattr(seq2seq_batch, "begin", counting)
    generator = generator_of("bart")
    for limit in [5, 6, 5, *range(7, 7 + BEGINNINGS), 5]:
        row = running(limit, SOURCES[1], limit=limit)
        begin(generator, [row])
        generator.drop([row])
    assert asked == [5, 6, *range(7, 7 + BEGINNINGS), 5]


def test_memory_is_given_back_when_the_last_row_has_left() -> None:
    generator, rows = generator_of("bart"), [running(1, SOURCES[0]), running(2, SOURCES[2])]
    begin(generator, rows)
    assert isinstance(generator._batch, Seq2SeqBatch)
    assert generator._batch._written.room
    generator.drop(rows)
    assert generator._batch._written.room == generator._batch._read.room == 0
    assert not generator._batch.answers


# ---- as a model -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantization", ["none", "int8"])
def test_a_translation_is_the_same_alone_and_among_those_that_come_and_go(
    quantization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_place, "FEWEST_WEIGHTS", 1)
    model = load(tiny("nllb"), "translation", quantization=quantization)
    expected = [translate(model, Translate(1, [text], "en", "de")).texts for text in TEXTS]
    scheduler, frames = Scheduler(model, Load("test", "", "translation")), []
    for number, text in enumerate(TEXTS):
        scheduler.accept(Translate(number, [text], "en", "de"))
        frames += [frame for _ in range(3) for frame in scheduler.iterate()]
    finished = ends(frames + run(scheduler))
    assert [outcome(finished[number]).texts for number in range(len(TEXTS))] == expected  # type: ignore[union-attr]


def test_with_beams_a_rounded_model_finds_what_it_finds_text_by_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_place, "FEWEST_WEIGHTS", 1)
    model, options = load(tiny("mbart50"), "translation", quantization="int8"), TranslationOptions(num_beams=3)
    assert model.facts.precision == "int8"
    together = translate(model, Translate(1, TEXTS, "en", "de", options=options)).texts
    assert together == [translate(model, Translate(1, [text], "en", "de", options=options)).texts[0] for text in TEXTS]


def test_the_decoder_s_products_are_rounded_where_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_place, "FEWEST_WEIGHTS", 1)
    model = load(tiny("nllb"), "translation", quantization="int8")
    assert isinstance(model.generator, generation.TransformersGenerator)
    decoder = model.generator._model.get_decoder()
    assert isinstance(decoder, Seq2SeqDecoder)
    names = ("attention_in", "attention_out", "source_in", "cross_in", "cross_out", "feed_in", "feed_out")
    assert all(isinstance(getattr(layer, name), in_place.Product) for layer in decoder.layers for name in names)
