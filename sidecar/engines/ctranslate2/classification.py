"""Sequence classification with a converted encoder: the head is a few small layers on the first token, in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from sidecar.engines.classifying import TextClassifier
from sidecar.engines.ctranslate2.activations import ACTIVATIONS
from sidecar.engines.ctranslate2.encoder import Encoder
from sidecar.engines.ctranslate2.manifest import HEAD
from sidecar.engines.text_inputs import Inputs


class Head:
    """Dense layers one after another. The file holds `0.weight`, `0.bias`, `1.weight` …, weights as (out, in)."""

    def __init__(self, file: Path, activations: list[str]) -> None:
        tensors = load_file(file)
        self._layers = [
            (tensors[f"{index}.weight"].T, tensors[f"{index}.bias"], ACTIVATIONS[name])
            for index, name in enumerate(activations)
        ]

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        for weight, bias, activation in self._layers:
            vectors = activation(vectors @ weight + bias)
        return vectors


class Classifier(TextClassifier):
    """Labels texts with the head's scores for their first token."""

    def __init__(
        self,
        name: str,
        config: Any,
        tokenizer: Any,
        limit: int | None,
        encoder: Encoder,
        prepared: Path,
        head: list[str],
    ) -> None:
        super().__init__(name, config, tokenizer, limit)
        self._encoder = encoder
        self._head = Head(prepared / HEAD, head)

    def forward(self, inputs: list[Inputs]) -> list[Any]:
        hidden, _ = self._encoder.hidden(inputs)
        return list(self._head(hidden[:, 0]))
