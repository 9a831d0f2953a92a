"""The decoder of the Llama family that is computed here: rounding, its rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from sidecar.engines.base import Model
from sidecar.engines.transformers.fused import building, rounding, trial
from sidecar.engines.transformers.fused.decoder import normed
from sidecar.engines.transformers.fused.generator import FusedGenerator
from sidecar.engines.transformers.fused.int4 import Int4
from sidecar.engines.transformers.fused.linear import Float, Int8
from sidecar.engines.transformers.fused.past import BatchPast, Past, Shape
from sidecar.errors import LoadFailed
from sidecar.runtime.protocol import Generate
from sidecar.types import ModelType, Sampling
from tests.helpers.models import tiny
from tests.helpers.rounding import allow_int4
from tests.helpers.tokenizers import VOCABULARY
from tests.helpers.worker import answer, load

SHAPE = Shape(layers=2, heads=3, size=4)
LONG = " ".join(VOCABULARY * 3)


def ask(key: int, prompt: str, tokens: int = 12, **more: Any) -> Generate:
    return Generate(key, prompt, None, Sampling(**{"temperature": 0.0, "max_new_tokens": tokens, **more}))


def fused(model: Model) -> FusedGenerator:
    assert isinstance(model.generator, FusedGenerator)
    return model.generator


def past_of(value: float, length: int) -> Past:
    past = Past(SHAPE, length)
    past.keys.fill_(value)
    past.values.fill_(-value)
    past.length = length
    return past


# ---- rounding -------------------------------------------------------------------------------------------------------


def test_the_rounded_product_is_close_to_the_exact_one() -> None:
    torch.manual_seed(1)
    weight, bias, x = torch.randn(48, 96), torch.randn(48), torch.randn(5, 96)
    exact, rounded = Float(weight, bias)(x), Int8.rounded(weight, bias)(x)
    assert (rounded - exact).norm() / exact.norm() < 0.03


def test_a_row_of_the_rounded_product_does_not_depend_on_its_neighbours() -> None:
    torch.manual_seed(2)
    x = torch.randn(8, 96) * torch.tensor([[10.0**i] for i in range(-4, 4)])
    x[3] = torch.arange(96) % 64 - 32.0  # a power of two the largest
    for product in (Int8.rounded(torch.randn(48, 96)), Int8.rounded(torch.randn(48, 96), torch.randn(48))):
        for packed in (False, True):
            if packed:
                product.pack()
            together = product(x)
            for row in range(8):
                torch.testing.assert_close(product(x[row : row + 1])[0], together[row], rtol=0, atol=0)


def test_the_largest_inputs_and_weights_do_not_overflow() -> None:
    """Without VNNI, FBGEMM adds two products in 16 bits."""
    product, x = Int8.rounded(torch.ones(16, 256)), torch.full((1, 256), 1.99999)
    product.pack()
    for rows in (1, 5):
        torch.testing.assert_close(product(x.repeat(rows, 1)), torch.full((rows, 16), 512.0), rtol=0.01, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_no_number_stays_none(value: float) -> None:
    product, x = Int8.rounded(torch.randn(16, 64)), torch.randn(1, 64)
    product.pack()
    x[0, 5] = value
    for rows in (1, 3):
        assert not product(x.repeat(rows, 1)).isfinite().any()


@pytest.mark.parametrize("inputs", [50, 896, 4111])
def test_the_plain_product_is_the_packed_one_to_the_last_bit(inputs: int) -> None:
    torch.manual_seed(3)
    product, x = Int8.rounded(torch.randn(40, inputs)), torch.randn(64, inputs) * torch.rand(64, 1)
    x[0] = torch.arange(inputs) % 255 / 2  # many of them in the middle between two steps
    plain = [product(x), product(x[:1])]
    product.pack()
    for before, after in zip(plain, [product(x), product(x[:1])], strict=True):
        torch.testing.assert_close(before, after, rtol=0, atol=0)


@pytest.mark.parametrize("width", [64, 100, 576, 4096])
def test_the_norm_is_the_library_s_to_the_last_bit_and_its_rows_know_nothing_of_each_other(width: int) -> None:
    torch.manual_seed(4)
    x, weight = torch.randn(33, width) * 30 * torch.rand(33, 1), torch.rand(width)
    together = normed(x, weight, 1e-5)
    assert torch.equal(together, functional.rms_norm(x, (width,), weight, 1e-5))
    assert all(torch.equal(normed(x[row : row + 1], weight, 1e-5), together[row : row + 1]) for row in range(33))


def test_a_row_of_zeros_stays_zeros() -> None:
    for rows in (1, 2):
        assert not Int8.rounded(torch.randn(8, 16))(torch.zeros(rows, 16)).any()


def test_the_product_in_four_bits_is_near_the_exact_one_and_its_rows_know_nothing_of_each_other() -> None:
    torch.manual_seed(4)
    weight, bias, x = torch.randn(48, 96), torch.randn(48), torch.randn(9, 96)
    product = Int4.rounded(weight, bias)
    together, exact = product(x), Float(weight, bias)(x)
    assert (together - exact).norm() / exact.norm() < 0.1
    for row in range(9):
        torch.testing.assert_close(product(x[row : row + 1])[0], together[row], rtol=0, atol=0)


def test_weights_whose_shape_four_bits_do_not_allow_are_rounded_to_eight() -> None:
    assert isinstance(Int4.rounded(torch.randn(24, 96)), Int8)
    assert isinstance(Int4.rounded(torch.randn(48, 50)), Int8)


def test_a_model_that_stands_four_bits_gets_them_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    allow_int4(monkeypatch)
    facts = load(tiny("llama-chat"), quantization="int4").facts
    assert (facts.precision, facts.warnings) == ("int4", [])


def test_a_model_that_does_not_stand_four_bits_gets_more_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trial.LARGEST_DIVERGENCE, "int4", 0.0)
    monkeypatch.setattr(rounding, "WORTHWHILE_PARAMETERS", 1)
    facts = load(tiny("llama-chat"), quantization="int4").facts
    assert facts.precision == "int8"
    assert "more than 4 bits" in facts.warnings[0]


def test_small_models_are_not_rounded_unless_asked() -> None:
    assert load(tiny("llama-chat")).facts.precision == "float32"
    assert load(tiny("llama-chat"), quantization="int8").facts.precision == "int8"


def test_large_models_are_rounded_unless_asked_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "WORTHWHILE_PARAMETERS", 1)
    assert load(tiny("llama-chat")).facts.precision == "int8"
    assert load(tiny("llama-chat"), quantization="none").facts.precision == "float32"


def test_a_model_whose_answers_would_change_is_not_rounded_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "WORTHWHILE_PARAMETERS", 1)
    monkeypatch.setitem(trial.LARGEST_DIVERGENCE, "int8", 0.0)
    facts = load(tiny("llama-chat")).facts
    assert facts.precision == "float32"
    assert "full precision" in facts.warnings[0]
    assert "nats" in facts.warnings[0]


def test_asking_for_int8_is_honoured_with_a_warning_where_answers_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trial.LARGEST_DIVERGENCE, "int8", 0.0)
    facts = load(tiny("llama-chat"), quantization="int8").facts
    assert facts.precision == "int8"
    assert "may differ" in facts.warnings[0]


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("gpt2", "text_generation"),
        ("bert-single", "classification"),
        ("embed-mean", "embedding"),
        ("marian", "translation"),
    ],
)
def test_asking_for_int8_of_products_too_small_to_gain_is_told(name: str, task: ModelType) -> None:
    facts = load(tiny(name), task, quantization="int8").facts
    assert facts.precision == "float32"
    assert "not rounded" in facts.warnings[0]


def test_asking_for_int8_without_kernels_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "int8_available", lambda: False)
    with pytest.raises(LoadFailed, match="int8"):
        load(tiny("llama-chat"), quantization="int8")
    assert rounding.choose("m", "auto", 10**9) == "float32"


def test_the_trial_of_a_rounded_model_measures_its_difference() -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny("llama-chat"))
    model = AutoModelForCausalLM.from_pretrained(tiny("llama-chat")).eval()
    _, agreement = building.fuse(model, "int8", rounding.sample(tokenizer, model.config.vocab_size))
    assert agreement is not None
    assert 0 < agreement.measures["divergence"] < trial.LARGEST_DIVERGENCE["int8"]
    assert agreement.enough


def test_a_coarse_rounding_is_not_enough() -> None:
    assert not trial.judged("int8", divergence=0.2, same_word=1.0).enough
    assert not trial.judged("int8", divergence=0.01, same_word=0.9).enough
    assert trial.judged("int8", divergence=0.01, same_word=1.0).enough


@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_a_rounded_model_gives_the_same_text_alone_and_among_seven_others(
    quantization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_int4(monkeypatch)
    model = load(tiny("llama-chat"), quantization=quantization)
    prompts = ["the small model", "tea or coffee, rain and sun", "good", "every word of this text"]
    requests = [
        ask(key, prompt, 20) for key, prompt in enumerate([*prompts, *(f"{prompt} and tea" for prompt in prompts)])
    ]
    together = answer(model, *requests)
    for key, request in enumerate(requests):
        assert answer(model, request)[key][0] == together[key][0]


def test_rows_of_different_length_never_read_what_nobody_wrote() -> None:
    requests = [ask(1, "good", 20), ask(2, LONG, 20)]
    expected = {request.id: answer(load(tiny("llama-base")), request)[request.id][0] for request in requests}
    torch.use_deterministic_algorithms(True)  # fills memory that is not initialised with NaN
    try:
        together = answer(load(tiny("llama-base")), *requests)
    finally:
        torch.use_deterministic_algorithms(False)
    assert {key: together[key][0] for key in expected} == expected


# ---- weights stored in half a type ----------------------------------------------------------------------------------


def stored_in(dtype: torch.dtype, name: str, folder: Path) -> Path:
    """A copy of a test model whose weights are rounded to `dtype`; beside it, as `exact`, the same weights in float32."""
    for copy, kind in ((folder / "half", dtype), (folder / "exact", torch.float32)):
        shutil.copytree(tiny(name), copy)
        tensors = load_file(copy / "model.safetensors")
        halves = {key: tensor.to(dtype).to(kind) for key, tensor in tensors.items()}
        save_file(halves, copy / "model.safetensors", {"format": "pt"})
    return folder / "half"


@pytest.fixture(params=[True, False], ids=["bf16-processor", "plain-processor"])
def multiplies_bfloat16(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the processor is one that does."""
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: request.param)
    return bool(request.param)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["llama-chat", "qwen2"])
def test_half_types_are_rounded_as_if_they_had_been_stored_in_float32(
    tmp_path: Path, dtype: torch.dtype, name: str, multiplies_bfloat16: bool
) -> None:
    half = load(stored_in(dtype, name, tmp_path), quantization="int8")
    exact = load(tmp_path / "exact", quantization="int8")
    assert fused(half)
    assert half.facts.precision == exact.facts.precision == "int8"
    request = ask(1, "the small model", 20)
    assert answer(half, request)[1][0] == answer(exact, request)[1][0]


def test_large_models_in_bfloat16_are_rounded_on_any_processor(
    tmp_path: Path, multiplies_bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounding, "WORTHWHILE_PARAMETERS", 1)
    folder = stored_in(torch.bfloat16, "llama-chat", tmp_path)
    assert load(folder).facts.precision == "int8"
    unrounded = "bfloat16" if multiplies_bfloat16 else "float32"
    assert load(folder, quantization="none").facts.precision == unrounded
    monkeypatch.setitem(trial.LARGEST_DIVERGENCE, "int8", 0.0)
    assert load(folder).facts.precision == unrounded


def test_what_is_asked_to_be_rounded_and_is_no_fused_decoder_is_rounded_from_bfloat16_too(
    tmp_path: Path, multiplies_bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.engines.transformers.in_place.FEWEST_WEIGHTS", 1)
    folder = stored_in(torch.bfloat16, "gpt2", tmp_path)
    assert load(folder, quantization="int8").facts.precision == "int8"
    assert load(folder).facts.precision == ("bfloat16" if multiplies_bfloat16 else "float32")


# ---- rows of the batch ----------------------------------------------------------------------------------------------


def test_rows_stay_without_holes_when_one_leaves() -> None:
    batch = BatchPast(SHAPE)
    for value in (1.0, 2.0, 3.0):
        batch.join(past_of(value, int(value) * 10))
    batch.leave(0)
    assert batch.lengths == [30, 20]
    assert (batch.keys[:, 0, :, :30] == 3).all()
    assert (batch.values[:, 1, :, :20] == -2).all()
    copy = batch.copy_of(1)
    assert (copy.length, float(copy.keys.mean())) == (20, 2.0)


def test_an_empty_batch_gives_its_memory_back() -> None:
    batch = BatchPast(SHAPE)
    batch.join(past_of(1.0, 600))
    assert batch.room >= 601
    batch.leave(0)
    assert batch.keys.numel() == 0
