"""Classification apart from its arithmetic: labels, pairs for free labels, probabilities. Engines supply the scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from sidecar.engines.base import Encoding
from sidecar.engines.padded import Unpadded
from sidecar.engines.text_inputs import Inputs, encode_texts
from sidecar.errors import Unsupported
from sidecar.runtime.protocol import Classified, Classify

HYPOTHESIS = "This example is {}."  # the wording that entailment models are commonly asked with


class TextClassifier(Unpadded, ABC):
    """Labels texts. A row is the model's scores for one text, or for one pair of text and hypothesis."""

    def __init__(self, name: str, config: Any, tokenizer: Any, limit: int | None) -> None:
        self._name = name
        self._tokenizer = tokenizer
        self._limit = limit
        self.labels = [str(config.id2label[index]) for index in range(config.num_labels)]
        self.multi_label = is_multi_label(config)
        self.entailment = entailment_index(self.labels)

    @abstractmethod
    def forward(self, inputs: list[Inputs]) -> list[Any]:
        """The scores of each input, float32, one per label."""

    def encode(self, request: Classify) -> Encoding:
        """One input per text; with free labels one per text and label, the labels of a text side by side."""
        texts, pairs = request.texts, None
        if request.labels:
            self._require_entailment()
            texts = [text for text in request.texts for _ in request.labels]
            pairs = [HYPOTHESIS.format(label) for _ in request.texts for label in request.labels]
        return encode_texts(self._tokenizer, texts, pairs, limit=self._limit, truncate=request.truncate)

    def outcome(self, request: Classify, encoding: Encoding, rows: list[Any]) -> Classified:
        scores = np.stack(rows)
        if request.labels:
            entailed = scores[:, self.entailment].reshape(len(request.texts), len(request.labels))
            probabilities, labels, multi_label = softmax(entailed), request.labels, False
        else:
            function = sigmoid if self.multi_label else softmax
            probabilities, labels, multi_label = function(scores), self.labels, self.multi_label
        inputs_per_text = len(request.labels) if request.labels else 1
        cut = sorted({place // inputs_per_text for place in encoding.cut})
        return Classified(
            labels, probabilities.tolist(), multi_label, encoding.tokens, warnings=encoding.warnings, cut=cut
        )

    def _require_entailment(self) -> None:
        if self.entailment is None:
            raise Unsupported(model=self._name, reason=f"it knows only its own labels: {', '.join(self.labels)}")


def is_multi_label(config: Any) -> bool:
    """Whether each label has a probability of its own; a single output is a yes or no and counts as such."""
    return bool(config.problem_type == "multi_label_classification" or config.num_labels == 1)


def entailment_index(labels: list[str]) -> int | None:
    """The position of the label that means entailment, None where the model was not trained on that."""
    return next((index for index, label in enumerate(labels) if label.lower().startswith("entail")), None)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Along the last axis, in float64."""
    powers = np.exp(scores.astype(np.float64) - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def sigmoid(scores: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-scores.astype(np.float64))))
