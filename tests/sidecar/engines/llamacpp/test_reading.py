"""Embeddings and reranking from GGUF files, compared with what transformers computes from the same weights."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sidecar.runtime.protocol import Embed, Embedded, Failed, Finished, Generate, Rerank, Reranked
from sidecar.types import Sampling
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import tiny
from tests.helpers.worker import WorkerProcess, drive, ends, load, outcome

from .conftest import Start

TEXTS = ["good tea", "bad rain and sun.", "what a small model thinks about coffee", "the"]
_ids = itertools.count(1)


@pytest.fixture(scope="module")
def embedder(start: Start) -> WorkerProcess:
    return start(gguf_model("embed-mean"), "embedding")


@pytest.fixture(scope="module")
def reranker(start: Start) -> WorkerProcess:
    return start(gguf_model("rerank"), "reranking")


def ask(worker: WorkerProcess, request: Embed | Rerank | Generate) -> Finished | Failed:
    request.id = next(_ids)
    worker.send(request)
    return ends(worker.receive_ends(request.id))[request.id]


def vectors(end: Finished | Failed) -> np.ndarray:
    found = outcome(end)
    assert isinstance(found, Embedded)
    return np.frombuffer(found.vectors, dtype=np.float32).reshape(-1, found.dimensions)


def test_vectors_are_those_of_transformers(embedder: WorkerProcess) -> None:
    ours = vectors(ask(embedder, Embed(0, TEXTS)))
    theirs = vectors(drive(load(tiny("embed-mean"), "embedding"), Embed(1, TEXTS))[1])
    assert (ours * theirs).sum(axis=1) == pytest.approx(1.0, abs=1e-3)


def test_fewer_dimensions_are_normalised_again(embedder: WorkerProcess) -> None:
    rows = vectors(ask(embedder, Embed(0, TEXTS, dimensions=8)))
    assert rows.shape == (4, 8)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_more_dimensions_than_the_model_has_are_refused(embedder: WorkerProcess) -> None:
    fault = ask(embedder, Embed(0, TEXTS, dimensions=100_000))
    assert isinstance(fault, Failed)
    assert fault.code == "invalid_request"
    assert "the model's vectors have" in fault.message


def test_a_text_over_the_context_is_refused_or_cut(embedder: WorkerProcess) -> None:
    long = "tea " * 200
    fault = ask(embedder, Embed(0, [long]))
    assert isinstance(fault, Failed)
    assert fault.code == "context_exceeded"
    cut = outcome(ask(embedder, Embed(0, [long, "tea"], truncate=True)))
    assert (cut.cut, cut.warnings) == ([0], [])  # which is said in words where vectors are remembered
    assert cut.limit > 0


def test_a_decoder_can_embed_and_many_texts_are_read(start: Start) -> None:
    worker = start(gguf_model("embed-last"), "embedding", batch_tokens=512)
    texts = [f"good tea {number} " * (1 + number % 5) for number in range(200)]
    rows = vectors(ask(worker, Embed(0, texts)))
    alone = vectors(ask(worker, Embed(0, texts[7:8])))
    assert np.isfinite(rows).all()
    assert rows[7] @ alone[0] == pytest.approx(1.0, abs=1e-3)


def test_scores_are_those_of_the_classifier(reranker: WorkerProcess) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    found = outcome(ask(reranker, Rerank(0, "good tea", TEXTS)))
    assert isinstance(found, Reranked)
    model = AutoModelForSequenceClassification.from_pretrained(tiny("bert-single")).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny("bert-single"))
    tokens = tokenizer(["good tea"] * len(TEXTS), TEXTS, padding=True, return_tensors="pt")
    tokens["token_type_ids"].zero_()  # llama.cpp has no second segment
    with torch.no_grad():
        expected = model(**tokens).logits[:, 0].tolist()
    assert found.scores == pytest.approx(expected, abs=2e-2)


def test_a_document_over_the_context_is_refused_or_cut(reranker: WorkerProcess) -> None:
    long = "tea " * 200
    fault = ask(reranker, Rerank(0, "good", [long]))
    assert isinstance(fault, Failed)
    assert fault.code == "context_exceeded"
    assert outcome(ask(reranker, Rerank(0, "good", [long, "tea"], truncate=True))).warnings


def test_a_model_for_embeddings_does_not_generate(embedder: WorkerProcess) -> None:
    fault = ask(embedder, Generate(0, "tea", None, Sampling()))
    assert isinstance(fault, Failed)
    assert fault.code == "unsupported"
