"""The encoder of the BERT family that is computed here, beside the library's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertLMHeadModel,
    CamembertConfig,
    CamembertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    MPNetConfig,
    MPNetForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from sidecar.engines.transformers import in_place
from sidecar.engines.transformers.classification import Classifier
from sidecar.engines.transformers.fused import encoder
from sidecar.engines.transformers.fused.encoder import Encoder
from sidecar.engines.transformers.fused.modules import Norm
from sidecar.engines.transformers.heads import HEADS, head_layers, scored
from sidecar.engines.transformers.padding import stack
from sidecar.runtime.protocol import Classify, Embed
from tests.helpers.models import tiny, with_random_weights
from tests.helpers.worker import classify, embed, load

FAMILIES: dict[str, tuple[Any, Any]] = {
    "bert": (BertConfig, BertForSequenceClassification),
    "roberta": (RobertaConfig, RobertaForSequenceClassification),
    "xlm-roberta": (XLMRobertaConfig, XLMRobertaForSequenceClassification),
    "camembert": (CamembertConfig, CamembertForSequenceClassification),
    "mpnet": (MPNetConfig, MPNetForSequenceClassification),
    "distilbert": (DistilBertConfig, DistilBertForSequenceClassification),
}
SIZES = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 50,
    "pad_token_id": 1,
    "num_labels": 5,
}
PAD = 1
TYPED = ("bert",)  # families that tell the first text of a pair from the second
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
LENGTHS = {"one text": [7], "alike": [6, 6, 6], "padded": [3, 30, 1, 17]}


def library_model(family: str) -> Any:
    config, model_class = FAMILIES[family]
    return with_random_weights(lambda: model_class(config(**SIZES)), seed=5)


def fused_model(family: str) -> tuple[Any, Encoder]:
    model = library_model(family)
    assert encoder.can_fuse(model)
    return model, encoder.fuse(model)


def batch_of(family: str, lengths: list[int]) -> dict[str, torch.Tensor]:
    torch.manual_seed(9)
    rows = [
        {
            "input_ids": torch.randint(2, SIZES["vocab_size"], (length,)).tolist(),
            "attention_mask": [1] * length,
            **({"token_type_ids": [0] * (length // 2) + [1] * (length - length // 2)} if family in TYPED else {}),
        }
        for length in lengths
    ]
    return stack(rows, PAD, torch.device("cpu"))


def test_every_family_has_a_head() -> None:
    assert HEADS.keys() == encoder.PLACES.keys() == FAMILIES.keys()


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())
@pytest.mark.parametrize("family", FAMILIES)
def test_every_token_gets_the_vector_that_the_library_gives(family: str, lengths: list[int]) -> None:
    batch = batch_of(family, lengths)
    with torch.inference_mode():
        expected = library_model(family).base_model(**batch).last_hidden_state
        found = fused_model(family)[1].hidden(batch, lengths)
    assert found.shape == expected.shape
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length], **CLOSE)
        assert not found[row, length:].any()


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS.keys())
@pytest.mark.parametrize("family", FAMILIES)
def test_labels_get_the_scores_that_the_library_gives(family: str, lengths: list[int]) -> None:
    batch = batch_of(family, lengths)
    model, own = fused_model(family)
    with torch.inference_mode():
        expected = library_model(family)(**batch).logits
        torch.testing.assert_close(scored(head_layers(model), own.first(batch, lengths)), expected, **CLOSE)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_is_read_alike_alone_and_beside_others(family: str) -> None:
    lengths = LENGTHS["padded"]
    batch, (_, own) = batch_of(family, lengths), fused_model(family)
    with torch.inference_mode():
        together = own.first(batch, lengths)
        for row, length in enumerate(lengths):
            alone = {name: tensor[row : row + 1, :length] for name, tensor in batch.items()}
            torch.testing.assert_close(own.first(alone, [length])[0], together[row], **CLOSE)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_weight_is_in_memory_twice(family: str) -> None:
    before, (model, _) = library_model(family), fused_model(family)
    counts = [sum(parameter.numel() for parameter in either.parameters()) for either in (before, model)]
    assert counts[0] == counts[1]
    places = sorted((tensor.data_ptr(), tensor.nbytes) for tensor in model.parameters())
    assert all(start + size <= following for (start, size), (following, _) in pairwise(places))


def test_a_decoder_of_the_family_stays_the_librarys() -> None:
    """It looks back only, which this encoder does not know."""
    assert not encoder.can_fuse(BertLMHeadModel(BertConfig(**SIZES, is_decoder=True)))


def test_a_half_type_stays_the_librarys() -> None:
    assert not encoder.can_fuse(library_model("bert").to(torch.bfloat16))


def test_a_classifier_reads_the_first_tokens_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last layer is spared for all others."""
    rows: list[int] = []
    computed = Norm.__call__

    def counting(norm: Norm, x: torch.Tensor) -> torch.Tensor:
        rows.append(len(x))
        return computed(norm, x)

    monkeypatch.setattr(Norm, "__call__", counting)
    model = load(tiny("bert-single"), "classification")
    assert isinstance(model.classifier, Classifier)
    rows.clear()
    found = classify(model, Classify(1, ["the small model", "no"], None))
    assert rows[-2:] == [2, 2]
    assert rows[0] == found.tokens > 2


@pytest.mark.parametrize("name", ["embed-cls", "embed-mean", "embed-dense"])
def test_vectors_are_pooled_of_what_the_librarys_encoder_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["the small model", "the weather is good, and rain comes", "no"]
    found = embed(load(tiny(name), "embedding"), Embed(1, texts))
    monkeypatch.setattr(encoder, "can_fuse", lambda model: False)
    expected = embed(load(tiny(name), "embedding"), Embed(1, texts))
    assert abs(found - expected).max() < 1e-5


def test_its_products_are_rounded_where_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_place, "FEWEST_WEIGHTS", 1)
    texts = ["the small model", "the weather is good, and rain comes", "no"]
    exact = classify(load(tiny("distilbert"), "classification"), Classify(1, texts, None))
    model = load(tiny("distilbert"), "classification", quantization="int8")
    rounded = classify(model, Classify(1, texts, None))
    assert model.facts.precision == "int8"
    assert rounded.scores != exact.scores
    for row, other in zip(rounded.scores, exact.scores, strict=True):
        assert row == pytest.approx(other, abs=0.05)
