"""Which engine is chosen, and why."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sidecar.errors import LoadFailed
from sidecar.runtime.choosing import LIBRARIES, Device, Precision, Situation, check, choose, precision, threads
from sidecar.types import Preparation

PASSED = Preparation("ctranslate2", "classification", "int8", True, measures={"agreement": 1.0})
REFUSED = Preparation("ctranslate2", "classification", "int8", False, reason="agreement 0.5")
BERT = Situation(
    format="transformers",
    task="classification",
    architecture="BertForSequenceClassification",
    preparation=PASSED,
    device="auto",
    has_gpu=False,
    installed=frozenset(["transformers", "ctranslate2"]),
)


@pytest.mark.parametrize(
    ("change", "engine", "because"),
    [
        ({}, "ctranslate2", "agreement 1"),
        ({"preparation": None}, "transformers", "not prepared"),
        ({"preparation": REFUSED}, "transformers", "agreement 0.5"),
        ({"has_gpu": True}, "transformers", "GPU"),
        ({"has_gpu": True, "device": "cpu"}, "ctranslate2", "agreement 1"),
        ({"device": "cuda:1"}, "transformers", "GPU"),
        ({"installed": frozenset(["transformers"])}, "transformers", "not installed"),
        ({"architecture": "GPT2ForSequenceClassification"}, "transformers", "GPT2"),
        ({"architecture": "BertGenerationEncoder", "task": "embedding"}, "transformers", "BertGeneration"),
        ({"architecture": "BertModel", "task": "embedding"}, "ctranslate2", "agreement 1"),
        ({"architecture": "MarianMTModel", "task": "translation"}, "ctranslate2", "agreement 1"),
        ({"architecture": "T5GemmaForConditionalGeneration", "task": "translation"}, "transformers", "T5Gemma"),
        ({"format": "echo"}, "echo", "echo"),
        ({"format": "llamacpp"}, "llamacpp", "llamacpp"),
    ],
)
def test_the_table(change: dict[str, object], engine: str, because: str) -> None:
    choice = choose(replace(BERT, **change))  # type: ignore[arg-type]
    assert choice.engine == engine
    assert because in choice.reason


@pytest.mark.parametrize(
    "architecture",
    [
        "GPTBigCodeForCausalLM",
        "GPTJForCausalLM",
        "CodeGenForCausalLM",
        "FalconForCausalLM",
        "UMT5ForConditionalGeneration",
        "MBartForConditionalGeneration",
        "PegasusForConditionalGeneration",
    ],
)
def test_text_generators_that_can_be_prepared(architecture: str) -> None:
    assert replace(BERT, task="text_generation", architecture=architecture).preparable


@pytest.mark.parametrize("architecture", ["PhiForCausalLM", "MptForCausalLM", "Gemma3ForCausalLM"])
def test_text_generators_that_do_not_convert_or_not_truly(architecture: str) -> None:
    assert not replace(BERT, task="text_generation", architecture=architecture).preparable


def test_the_precision_follows_the_preparation() -> None:
    assert choose(BERT).precision == "int8_float32"
    assert choose(replace(BERT, device="cuda")).precision is None


def test_the_models_option_wins() -> None:
    choice = choose(BERT, "transformers")
    assert choice.engine == "transformers"
    assert "option" in choice.reason


@pytest.mark.parametrize(
    ("change", "wanted", "because"),
    [
        ({"preparation": None}, "ctranslate2", "is missing"),
        ({"preparation": REFUSED}, "ctranslate2", "was refused"),
        ({"installed": frozenset()}, "ctranslate2", "not installed"),
        ({"format": "llamacpp"}, "transformers", "does not read its files"),
    ],
)
def test_an_engine_that_cannot_run_the_model_is_refused_with_advice(
    change: dict[str, object], wanted: str, because: str
) -> None:
    situation = replace(BERT, **change)  # type: ignore[arg-type]
    with pytest.raises(LoadFailed, match=because) as refused:
        check("m", choose(situation, wanted), situation)
    assert "auto" in refused.value.message


@pytest.mark.parametrize(("own", "package"), [("llamacpp", "xllamacpp"), ("transformers", "transformers")])
def test_a_model_whose_own_engine_is_not_installed_is_refused_with_the_package_it_needs(own: str, package: str) -> None:
    situation = replace(BERT, format=own, preparation=None, installed=frozenset(LIBRARIES) - {own})
    with pytest.raises(LoadFailed, match=f"pip install {package}"):
        check("m", choose(situation), situation)
    installed = replace(situation, installed=frozenset(LIBRARIES))
    check("m", choose(installed), installed)


@pytest.mark.parametrize(
    ("kind", "has_bf16", "stored", "computed"),
    [
        ("cpu", True, "float32", "float32"),
        ("cpu", True, "bfloat16", "bfloat16"),
        ("cpu", True, "float16", "float32"),
        ("cpu", False, "bfloat16", "float32"),
        ("cuda", False, "bfloat16", "float16"),
        ("xpu", True, "bfloat16", "bfloat16"),
        ("mps", True, "float16", "float16"),
        ("mps", False, "bfloat16", "float32"),
    ],
)
def test_half_types_are_computed_in_only_where_the_hardware_has_them(
    kind: str, has_bf16: bool, stored: Precision, computed: Precision
) -> None:
    assert precision(Device(kind, has_bf16), stored) == computed


def test_threads_are_one_for_each_core_unless_the_setting_says_otherwise() -> None:
    assert (threads(0, 4), threads(3, 4)) == (4, 3)
