"""The built-in list: every entry is sound, and what the engines here load; a wrong one is named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sidecar.catalogue.entries import ListedModel, Weights, read
from sidecar.errors import EnvironmentFault
from sidecar.hub import choosing
from sidecar.hub.listing import Repository
from sidecar.registry.gguf_model import ENCODERS
from sidecar.registry.inspect import types_of
from sidecar.types import RemoteFile

LISTED = read()
LICENCES = {"apache-2.0", "mit", "cc-by-4.0", "cc-by-nc-4.0", "gemma", "llama3.1", "llama3.2", "qwen-research"}
BITS = {
    "Q4_K_M": (4.6, 6.7),
    "Q8_0": (8.4, 9.1),
    "MXFP4": (4.2, 5.0),
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
SHAPE = 'shape = { family = "bert", layers = 2, width = 8, vocabulary = 9, heads = 1, kv_heads = 1 }'


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


def test_every_licence_is_one_that_was_read_and_only_models_for_tests_may_have_none() -> None:
    without = {model.id for model in LISTED if "test" in model.tags and model.licence is None}
    assert {model.id for model in LISTED if model.licence not in LICENCES} == without
    assert not [model.id for model in LISTED if model.licence == "cc-by-nc-4.0" and model.quality]


def test_downloads_call_the_ways_to_have_a_model_by_the_same_names() -> None:
    for model in LISTED:
        files = [RemoteFile(file, 1) for weights in model.variants for file in weights.files]
        found = {one.name for one in choosing.variants(Repository(model.id, model.revision, "", 0.0, files))}
        assert found == {model.variant_name(weights) for weights in model.variants}, model.id


def test_no_file_is_listed_twice() -> None:
    files = Counter((model.id, file) for model in LISTED for weights in model.variants for file in weights.files)
    assert max(files.values()) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (ENTRY.replace('"embedding"', '"cooking"'), "org/model.*cooking"),
        (ENTRY.replace("context = 512", ""), "org/model.*context"),
        (ENTRY + SHAPE, "org/model: its shape is of no use without parameters"),
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
