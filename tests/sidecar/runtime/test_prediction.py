"""The arithmetic, on made-up machines and models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sidecar.runtime.correction import Correction
from sidecar.runtime.description import Description
from sidecar.runtime.prediction import Surroundings, predict, seconds_per_weight
from sidecar.types import Prediction, PredictRequest, Range
from tests.helpers.profile import made_up

CHAT = Description(
    engine="transformers", task="text_generation", way="fused", precision="int8", parameters=500_000_000, layers=24,
    file_bytes=2_000_000_000, width=896, table=136_000_000, cache_bytes_per_token=24_576,
)  # fmt: skip
READER = Description(
    engine="transformers", task="classification", way="library", precision="float32", parameters=66_000_000, layers=6,
    file_bytes=268_000_000, width=768, table=23_000_000,
)  # fmt: skip
ASKED = PredictRequest()

sizes = st.integers(0, 200_000_000_000)
layers = st.integers(0, 200)
descriptions = st.builds(
    Description,
    engine=st.sampled_from(["transformers", "llamacpp", "echo"]),
    task=st.sampled_from(["text_generation", "classification", "translation", "embedding"]),
    way=st.sampled_from(["fused", "seq2seq", "encoder", "library", "native"]),
    precision=st.sampled_from(["float32", "int8", "int4", "bfloat16", "Q4_K_M"]),
    parameters=sizes,
    layers=layers,
    encoder_layers=layers,
    file_bytes=sizes,
    width=st.integers(0, 32_768),
    table=st.integers(0, 5_000_000_000),
    tied=st.booleans(),
    cache_bytes_per_token=st.integers(0, 5_000_000),
    weight_bytes=sizes,
)
requests = st.builds(
    PredictRequest, st.integers(1, 200_000), st.integers(1, 200_000), texts=st.integers(1, 10_000)
)  # fmt: skip
surroundings = st.builds(Surroundings, st.floats(0, 1), st.booleans())


def ranges(prediction: Prediction) -> list[Range]:
    return [value for name in prediction.__struct_fields__ if isinstance(value := getattr(prediction, name), Range)]


def about(model: Description, **asked: int) -> Prediction:
    return predict(model, made_up(), PredictRequest(**asked), Surroundings(cached_share=1.0), {})  # type: ignore[arg-type]


@given(descriptions, requests, surroundings)
def test_every_range_is_positive_and_in_order(model: Description, asked: PredictRequest, around: Surroundings) -> None:
    found = predict(model, made_up(), asked, around, {})
    for value in ranges(found):
        assert 0 <= value.low <= value.expected <= value.high
    assert found.limits
    assert (found.tokens_per_second is not None) == model.writes


@given(descriptions, requests, st.integers(0, 10_000_000_000))
def test_a_larger_model_is_never_quicker_nor_smaller(model: Description, asked: PredictRequest, more: int) -> None:
    larger = replace(
        model,
        parameters=model.parameters + more,
        file_bytes=model.file_bytes + more,
        weight_bytes=model.weight_bytes + more,
    )
    around = Surroundings()
    small, large = (predict(one, made_up(), asked, around, {}) for one in (model, larger))
    assert large.load_s.expected >= small.load_s.expected
    assert large.memory_mb.expected >= small.memory_mb.expected
    if model.precision != "Q4_K_M":  # its bytes per weight change with such a growth
        assert large.total_s.expected >= small.total_s.expected


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_more_rows_never_take_less(few: int, more: int) -> None:
    profile = made_up()
    for precision in ("float32", "int8", "q4_0", "q2_k"):
        assert seconds_per_weight(profile, precision, few, 0.5) <= seconds_per_weight(
            profile, precision, few + more, 0.5
        )


def test_a_rate_that_was_measured_is_used_as_it_is() -> None:
    assert seconds_per_weight(made_up(), "int8", 8, 1.0) == pytest.approx(16 / 150e9)
    assert seconds_per_weight(made_up(), "int8", 256, 1.0) == pytest.approx(512 / 400e9)


def test_an_unmeasured_precision_is_bound_by_its_bytes_or_by_the_best_rate() -> None:
    profile = made_up()
    assert seconds_per_weight(profile, "q2_k", 1, 0.5) == pytest.approx(0.5 / 20e9)
    assert seconds_per_weight(profile, "q2_k", 1000, 0.5) == pytest.approx(2000 / 400e9)


def test_further_tokens_cost_the_weights_and_a_price_per_layer() -> None:
    found = about(CHAT)
    assert found.tokens_per_second is not None
    weights, operations = 500e6 * 2 / 40e9, 24 * 75 * 10e-6
    assert 1 / found.tokens_per_second.expected == pytest.approx(weights + operations, rel=0.06)
    assert "500 MB of weights" in found.limits[-1]


def test_a_tiny_model_is_bound_by_its_operations() -> None:
    tiny = replace(CHAT, parameters=5_000_000, table=500_000, precision="float32")
    assert "small operations" in about(tiny).limits[-1]


def test_a_longer_prompt_delays_the_first_token_and_a_longer_text_the_answer() -> None:
    assert about(CHAT, prompt_tokens=2000).first_token_s.expected > 5 * about(CHAT).first_token_s.expected  # type: ignore[union-attr]
    assert about(READER, prompt_tokens=512).total_s.expected > about(READER, prompt_tokens=16).total_s.expected


def test_a_classifiers_last_layer_is_mostly_spared() -> None:
    encoder = replace(READER, way="encoder", layers=2)
    spared, whole = (
        about(one, prompt_tokens=400).total_s.expected for one in (encoder, replace(encoder, task="embedding"))
    )
    assert spared == pytest.approx(whole * (1 - 0.75 / 2), rel=0.1)


def test_many_texts_at_once_are_quicker_than_one_by_one() -> None:
    one, many = about(READER, prompt_tokens=20), about(READER, prompt_tokens=20, texts=32)
    assert one.texts_per_second is not None
    assert many.texts_per_second is not None
    assert many.texts_per_second.expected > 2 * one.texts_per_second.expected


def test_files_in_memory_and_a_spare_worker_make_loading_quicker() -> None:
    slow = predict(CHAT, made_up(), ASKED, Surroundings(cached_share=0.0), {})
    warm = predict(CHAT, made_up(), ASKED, Surroundings(cached_share=1.0), {})
    ready = predict(CHAT, made_up(), ASKED, Surroundings(cached_share=1.0, spare_worker=True), {})
    assert slow.load_s.expected - warm.load_s.expected == pytest.approx(2.0 / 0.5 - 2.0 / 4.0, rel=0.01)
    assert warm.load_s.expected - ready.load_s.expected == pytest.approx(3.0, rel=0.01)


def test_room_that_is_taken_at_the_load_is_written_to_as_quickly_as_fresh_memory_can_be() -> None:
    native = replace(CHAT, engine="llamacpp", way="native", precision="q8_0", reserved_bytes=3 * 10**9)
    slow, quick = (
        predict(native, made_up(fresh_mb_s=rate), ASKED, Surroundings(cached_share=1.0), {})
        for rate in (1000.0, 3000.0)
    )
    assert slow.load_s.expected - quick.load_s.expected == pytest.approx(3.0 - 1.0, rel=0.01)
    assert slow.limits[0].startswith("Loading is mostly taking 3.")


def test_weights_that_an_earlier_load_rounded_are_neither_rounded_nor_read_again() -> None:
    first, again = (
        predict(CHAT, made_up(), ASKED, Surroundings(cached_share=0.0, rounded_before=before), {})
        for before in (False, True)
    )
    assert again.load_s.expected < first.load_s.expected / 2
    assert "rounding" in first.limits[0] or "reading" in first.limits[0]
    assert "starting a process" in again.limits[0]


def test_memory_is_that_of_the_precision_with_the_answers_cache() -> None:
    rounded, exact = about(CHAT), about(replace(CHAT, precision="float32"))
    assert rounded.memory_mb.expected < 0.75 * exact.memory_mb.expected
    long = about(CHAT, prompt_tokens=10_000)
    assert long.memory_mb.expected - rounded.memory_mb.expected == pytest.approx(9872 * 24_576 / 1e6, rel=0.01)


def test_corrections_shift_and_narrow_what_is_told() -> None:
    plain = about(CHAT).tokens_per_second
    learned = predict(CHAT, made_up(), ASKED, Surroundings(), {"step": Correction(2.0, 0.06, 5)})
    assert plain is not None
    assert learned.tokens_per_second is not None
    assert learned.tokens_per_second.expected == pytest.approx(plain.expected / 2, rel=0.01)
    assert learned.tokens_per_second.high / learned.tokens_per_second.low < plain.high / plain.low
    assert learned.evidence == 5


def test_a_model_in_4_bits_is_quicker_at_one_answer_slower_at_reading_and_longer_to_round() -> None:
    eight, four = about(CHAT), about(replace(CHAT, precision="int4"))
    assert four.tokens_per_second
    assert eight.tokens_per_second
    assert four.tokens_per_second.expected > eight.tokens_per_second.expected
    assert four.first_token_s
    assert eight.first_token_s
    assert four.first_token_s.expected > 2 * eight.first_token_s.expected
    assert four.load_s.expected > 1.5 * eight.load_s.expected
    assert "4 bits" in four.limits[0]
    # 364 million weights of 0.625 bytes, and 136 million of one byte that make the scores.
    assert "364 MB" in four.limits[2]
