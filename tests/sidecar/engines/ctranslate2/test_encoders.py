"""Classification and embeddings, compared with the transformers engine on the same models and texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from sidecar.engines.ctranslate2.device import place
from sidecar.errors import LoadFailed
from sidecar.runtime.protocol import Classify, Embed, Failed, Finished, Loaded
from tests.helpers.models import tiny
from tests.helpers.worker import WorkerProcess, classify, drive, embed, load

from .conftest import Converted, ConvertedFolder

TEXTS = ["good sun", "bad rain and bad tea, what does it think", "a", "the small model reads every word"]
CLASSIFIERS = ["bert-single", "bert-multi", "distilbert", "roberta"]
EMBEDDERS = ["embed-mean", "embed-cls", "embed-dense", "embed-plain"]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_give_the_probabilities_of_the_original(name: str, converted: Converted) -> None:
    own = classify(converted(name, "classification"), Classify(1, TEXTS))
    reference = classify(load(tiny(name), "classification"), Classify(1, TEXTS))
    assert own.labels == reference.labels
    assert own.multi_label == reference.multi_label
    np.testing.assert_allclose(own.scores, reference.scores, atol=1e-5)


def test_free_labels_give_the_probabilities_of_the_original(converted: Converted) -> None:
    request = Classify(1, TEXTS, labels=["tea", "rain"])
    own = classify(converted("bert-nli", "classification"), request)
    reference = classify(load(tiny("bert-nli"), "classification"), request)
    np.testing.assert_allclose(own.scores, reference.scores, atol=1e-5)


@pytest.mark.parametrize("name", EMBEDDERS)
def test_embedders_give_the_vectors_of_the_original(name: str, converted: Converted) -> None:
    for normalize in (True, False):
        request = Embed(1, TEXTS, normalize=normalize)
        own = embed(converted(name, "embedding"), request)
        np.testing.assert_allclose(own, embed(load(tiny(name), "embedding"), request), atol=1e-4)


def test_int8_weights_give_nearly_the_same_vectors(converted: Converted) -> None:
    model = converted("embed-mean", "embedding", "int8")
    cosines = (embed(model, Embed(1, TEXTS)) * embed(load(tiny("embed-mean"), "embedding"), Embed(1, TEXTS))).sum(1)
    assert cosines.min() > (
        0.99 if torch.cpu._is_vnni_supported() else 0.98
    )  # without VNNI sums of two products saturate
    assert model.facts.precision.startswith("int8")


def test_a_text_of_the_greatest_length_is_read_and_one_token_more_is_refused(converted: Converted) -> None:
    model = converted("roberta", "classification")
    limit = model.facts.context_length
    assert limit is not None
    assert limit == load(tiny("roberta"), "classification").facts.context_length
    words = "a " * (limit + 10)
    assert classify(model, Classify(1, [words], truncate=True)).tokens == limit
    refused = drive(model, Classify(1, [words]))[1]
    assert isinstance(refused, Failed)
    assert refused.code == "context_exceeded"


def test_a_model_that_was_not_prepared_is_not_loaded() -> None:
    with pytest.raises(LoadFailed, match="not prepared"):
        load(tiny("bert-single"), "classification", "ctranslate2")


def test_a_preparation_that_was_damaged_is_not_loaded(converted: Converted, tmp_path: object) -> None:
    with pytest.raises(LoadFailed, match="preparation"):
        load(tiny("bert-single"), "classification", "ctranslate2", prepared=str(tmp_path))


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(LoadFailed, match="cuda:7"):
        place("m", "cuda:7", "int8", 1)
    with pytest.raises(LoadFailed, match="mps"):
        place("m", "mps", "int8", 1)


def test_its_worker_serves_without_torch(converted_folder: ConvertedFolder) -> None:
    prepared = str(converted_folder("distilbert", "classification", "int8"))
    with WorkerProcess("ctranslate2") as worker:
        loaded = worker.load(tiny("distilbert"), "classification", prepared=prepared)
        assert isinstance(loaded, Loaded)
        worker.send(Classify(1, TEXTS))
        (*_, end) = worker.receive_ends(1)
        libraries = {Path(part.path).name for part in psutil.Process(worker.process.pid).memory_maps()}
    assert isinstance(end, Finished)
    assert any("ctranslate2" in name for name in libraries)
    assert not any("torch" in name for name in libraries)


def test_no_padding_is_computed(converted: Converted) -> None:
    found = classify(converted("bert-single", "classification"), Classify(1, ["tea", "good rain and bad coffee"]))
    assert found.padding == 0
