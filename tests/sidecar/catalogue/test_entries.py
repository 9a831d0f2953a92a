"""The built-in list: every entry is sound, and what the engines here load; a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.catalogue.entries import ListedModel, Weights, read
from sidecar.errors import EnvironmentFault
from sidecar.registry.gguf_model import ENCODERS
from sidecar.registry.inspect import types_of

LISTED = read()
BITS = {
    "Q4_K_M": (4.6, 6.7),
    "Q8_0": (8.4, 9.1),
    "float32": (31.5, 33.0),
    "float16": (15.8, 23.0),
    "bfloat16": (15.8, 16.4),
}
ENTRY = """
[[model]]
id = "org/model"
name = "Model"
task = "embedding"
architecture = "BertModel"
context = 512
why = "A test."
variants = [{ precision = "float32", mb = 1, files = ["model.safetensors"] }]
"""


def test_the_list_has_well_known_models_for_every_task() -> None:
    assert len(LISTED) >= 40
    assert {model.task for model in LISTED} == {
        "text_generation", "classification", "translation", "embedding", "reranking",
    }  # fmt: skip
    assert any("zero-shot" in model.tags for model in LISTED)


@pytest.mark.parametrize("wanted", [
    "prajjwal1/bert-tiny", "sshleifer/tiny-distilbert-base-uncased", "microsoft/DialoGPT-small",
    "distilbert/distilbert-base-uncased", "sentence-transformers/all-MiniLM-L6-v2", "mixedbread-ai/mxbai-embed-large-v1",
    "google-t5/t5-small", "facebook/bart-large-cnn", "Helsinki-NLP/opus-mt-en-de", "intfloat/e5-small-v2",
])  # fmt: skip
def test_what_this_product_has_always_offered_is_in_it(wanted: str) -> None:
    assert wanted in {model.id for model in LISTED}


@pytest.mark.parametrize("model", LISTED, ids=lambda model: model.id)
def test_an_engine_here_does_its_task(model: ListedModel) -> None:
    if model.format != "gguf":
        assert model.task in types_of(model.architecture, sentences=model.task == "embedding")
    elif model.architecture in ENCODERS:
        assert model.task in ("embedding", "reranking")


@pytest.mark.parametrize(
    ("model", "weights"), [(model, weights) for model in LISTED for weights in model.variants if model.parameters],
    ids=lambda value: getattr(value, "id", None) or value.precision,
)  # fmt: skip
def test_its_size_is_that_of_its_parameters(model: ListedModel, weights: Weights) -> None:
    low, high = BITS[weights.precision]
    assert model.parameters is not None
    assert low <= weights.bytes * 8 / model.parameters <= high


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (ENTRY.replace('"embedding"', '"cooking"'), "org/model.*cooking"),
        (ENTRY.replace("context = 512", ""), "org/model.*context"),
        (ENTRY + "parameters = 5", "org/model: parameters and shape"),
        (ENTRY.replace("model.safetensors", "model.bin"), "org/model: model.bin is not"),
        (ENTRY + ENTRY, "org/model: another entry has the same id"),
        ("[[model", "cannot be read"),
    ],
)
def test_a_wrong_entry_is_named(wrong: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    file.write_text(wrong, "utf-8")
    with pytest.raises(EnvironmentFault, match=said):
        read(file)
