"""The layers that classifiers of the BERT family put on the first token's vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from sidecar.engines.transformers.pooling import ACTIVATIONS

Head = list[tuple[Any, str]]  # layers, one after another, each with the name of its activation

# By family. Layers are looked up each time: rounding replaces them.
HEADS: dict[str, Callable[[Any], Head]] = {
    "bert": lambda model: [(model.bert.pooler.dense, "Tanh"), (model.classifier, "Identity")],
    "distilbert": lambda model: [(model.pre_classifier, "ReLU"), (model.classifier, "Identity")],
} | dict.fromkeys(
    ("roberta", "xlm-roberta", "camembert", "mpnet"),
    lambda model: [(model.classifier.dense, "Tanh"), (model.classifier.out_proj, "Identity")],
)


def head_layers(model: Any) -> Head:
    """Raises KeyError where the family is not in `HEADS`."""
    return HEADS[model.config.model_type](model)


def scored(head: Head, vectors: torch.Tensor) -> torch.Tensor:
    """The scores of each label, shape (rows, labels), from the first tokens' vectors, shape (rows, width)."""
    for layer, activation in head:
        vectors = ACTIVATIONS[activation](layer(vectors))
    return vectors
