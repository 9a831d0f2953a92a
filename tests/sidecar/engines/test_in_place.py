"""Library models whose products are rounded where they stand: which, how they answer, and what is said where they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from sidecar.engines import transformers as engine
from sidecar.engines import verification
from sidecar.engines.transformers import in_place
from sidecar.engines.transformers.fused import rounding, trial
from sidecar.engines.transformers.loading import LoadedModel, load_model
from sidecar.engines.verification import Threshold
from sidecar.errors import LoadFailed
from sidecar.runtime.protocol import Classify, Embed, Generate, Load, Translate
from sidecar.types import ModelType, Sampling
from tests.helpers.models import tiny
from tests.helpers.worker import answer, classify, embed, load, translate

TEXTS = ["the small model", "the weather is good, and rain comes", "no"]
TASKS: list[tuple[str, ModelType]] = [
    ("gpt2", "text_generation"),
    ("mistral-sliding", "text_generation"),
    ("t5", "text_generation"),
    ("marian", "translation"),
    ("bert-single", "classification"),
    ("embed-mean", "embedding"),
]


@pytest.fixture(autouse=True)
def small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of test models count as large enough."""
    monkeypatch.setattr(in_place, "FEWEST_WEIGHTS", 1)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked each time a model's own weights were read."""
    asked: list[str] = []

    def counting(frame: Load, device: torch.device) -> LoadedModel:
        asked.append(frame.quantization)
        return load_model(frame, device)

    monkeypatch.setattr(engine, "load_model", counting)
    return asked


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """No vectors are alike enough."""
    monkeypatch.setitem(verification.THRESHOLDS, "embedding", {"cosine": Threshold(1.1, True, "lowest cosine")})


@pytest.mark.parametrize(("name", "task"), TASKS)
def test_a_model_of_any_task_is_rounded_when_asked(name: str, task: ModelType) -> None:
    assert load(tiny(name), task, quantization="int8").facts.precision == "int8"
    assert load(tiny(name), task).facts.precision == "float32"


@pytest.mark.parametrize(("name", "task"), TASKS)
def test_large_models_are_rounded_unless_asked_not_to(
    name: str, task: ModelType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounding, "WORTHWHILE_PARAMETERS", 1)
    monkeypatch.setitem(trial.LARGEST_DIVERGENCE, "int8", 1.0)  # models of a few weights are rounded coarsely
    monkeypatch.setitem(trial.SMALLEST_SAME_WORD, "int8", 0.5)
    assert load(tiny(name), task).facts.precision == "int8"
    assert load(tiny(name), task, quantization="none").facts.precision == "float32"


def test_labels_stay_the_same_and_scores_nearly() -> None:
    exact, rounded = (
        np.array(classify(load(tiny("bert-single"), "classification", quantization=asked), Classify(1, TEXTS)).scores)
        for asked in ("none", "int8")
    )
    assert not np.array_equal(exact, rounded)
    np.testing.assert_allclose(rounded, exact, atol=0.1)


def test_vectors_stay_nearly_the_same_whatever_stands_beside_a_text() -> None:
    exact, rounded = (load(tiny("embed-mean"), "embedding", quantization=asked) for asked in ("none", "int8"))
    together = embed(rounded, Embed(1, TEXTS))
    assert ((together * embed(exact, Embed(1, TEXTS))).sum(axis=1) > 0.98).all()
    alone = np.concatenate([embed(rounded, Embed(1, [text])) for text in TEXTS])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_rounded_models_write_and_translate() -> None:
    prompt = Generate(1, TEXTS[0], None, Sampling(temperature=0.0, max_new_tokens=8))
    for name in ("gpt2", "t5"):
        text, outcome = answer(load(tiny(name), quantization="int8"), prompt)[1]
        assert text
        assert outcome.completion_tokens <= 8
    translator = load(tiny("marian"), "translation", quantization="int8")
    assert translate(translator, Translate(1, TEXTS)).texts


def test_a_model_whose_answers_would_change_is_not_rounded_which_is_said_and_found_out_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: list[str]
) -> None:
    monkeypatch.setattr(rounding, "WORTHWHILE_PARAMETERS", 1)
    refuse(monkeypatch)
    first, second = (load(tiny("embed-mean"), "embedding", derived=str(tmp_path)).facts for _ in range(2))
    assert first.precision == second.precision == "float32"
    assert first.warnings == second.warnings
    assert "full precision" in first.warnings[0]
    assert "lowest cosine" in first.warnings[0]
    assert counted == ["auto", "none", "auto"]


def test_what_went_well_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tiny("bert-single"), "classification", quantization="int8", derived=str(tmp_path))
    monkeypatch.delattr(in_place, "answers")  # with which it would be tried
    second = load(tiny("bert-single"), "classification", quantization="int8", derived=str(tmp_path))
    assert second.facts.precision == "int8"
    scores = [classify(model, Classify(1, TEXTS)).scores for model in (first, second)]
    assert scores[0] == scores[1]


def test_asking_for_8_bits_is_honoured_with_a_warning_where_answers_may_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch)
    for _ in range(2):
        facts = load(tiny("embed-mean"), "embedding", quantization="int8", derived=str(tmp_path)).facts
        assert facts.precision == "int8"
        assert "may differ" in facts.warnings[0]


def test_a_model_whose_code_uses_weights_by_itself_runs_exactly(tmp_path: Path) -> None:
    model = load(tiny("mamba"), quantization="int8", derived=str(tmp_path))
    assert model.facts.precision == "float32"
    assert "cannot be computed" in model.facts.warnings[0]
    assert answer(model, Generate(1, TEXTS[0], None, Sampling(temperature=0.0, max_new_tokens=4)))[1][0]


def test_4_bits_become_8_where_these_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(tiny("bert-single"), "classification", quantization="int4").facts.precision == "float32"
    monkeypatch.setattr(rounding, "WORTHWHILE_PARAMETERS", 1)
    facts = load(tiny("bert-single"), "classification", quantization="int4").facts
    assert facts.precision == "int8"
    assert "4 bits" in facts.warnings[-1]


def test_a_model_that_multiplies_little_in_products_stays_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = max(product.weight.numel() for product in in_place._products(gpt2()).values())
    monkeypatch.setattr(in_place, "FEWEST_WEIGHTS", largest)  # its table of words alone
    assert load(tiny("gpt2"), quantization="int8").facts.precision == "float32"


def test_asking_for_8_bits_without_kernels_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "int8_available", lambda: False)
    with pytest.raises(LoadFailed, match="int8"):
        load(tiny("bert-single"), "classification", quantization="int8")


def gpt2() -> torch.nn.Module:
    return load_model(Load("m", str(tiny("gpt2")), "text_generation"), torch.device("cpu")).model  # type: ignore[no-any-return]


# ---- families -------------------------------------------------------------------------------------------------------

SMALL = {
    "vocab_size": 300,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}
GROUPED = {**SMALL, "num_key_value_heads": 2, "pad_token_id": 0}
MARKED = {"bos_token_id": 1, "eos_token_id": 2}
FAMILIES: dict[str, dict[str, Any]] = {
    "XLMRobertaForSequenceClassification": SMALL,
    "DebertaV2ForSequenceClassification": {**SMALL, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "ModernBertForSequenceClassification": {**SMALL, **MARKED, "pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2},
    "Qwen3Model": {**GROUPED, "head_dim": 16},
    "Gemma3ForCausalLM": {**GROUPED, "head_dim": 16},
    "Phi3ForCausalLM": GROUPED,
    "OPTForCausalLM": {**SMALL, "ffn_dim": 128, "word_embed_proj_dim": 64},
    "MixtralForCausalLM": {**GROUPED, "num_local_experts": 4},
}


@pytest.mark.parametrize("architecture", FAMILIES)
def test_families_of_every_kind_compute_nearly_the_same_with_rounded_products(architecture: str) -> None:
    kind = getattr(transformers, architecture)
    torch.manual_seed(0)
    model = kind(kind.config_class(**FAMILIES[architecture])).eval()
    products = in_place._products(model)
    assert in_place._can_round(model, products) == ("Mixtral" not in architecture)  # experts are no modules
    ids = torch.randint(5, 200, (2, 12))
    with torch.inference_mode():
        exact = model(input_ids=ids)[0]
        in_place._replace(model, products)
        rounded = model(input_ids=ids)[0]
    assert 0 < (rounded - exact).norm() / exact.norm() < 0.1
