"""Sequence classification with torch: the scores of a batch, from an encoder of our own where there is one."""

from __future__ import annotations

from typing import Any

import torch

from sidecar.engines.classifying import TextClassifier
from sidecar.engines.padded import to_longest
from sidecar.engines.text_inputs import Inputs, lengths, padding_id
from sidecar.engines.transformers.fused.encoder import Encoder
from sidecar.engines.transformers.heads import head_layers, scored
from sidecar.engines.transformers.loading import LoadedModel, context_length
from sidecar.engines.transformers.padding import stack


class Classifier(TextClassifier):
    """Labels texts with the model's own classification head."""

    def __init__(self, loaded: LoadedModel, encoder: Encoder | None) -> None:
        super().__init__(loaded.name, loaded.config, loaded.tokenizer, context_length(loaded))
        self._loaded = loaded
        self._encoder = encoder
        self._pad_id = padding_id(loaded.tokenizer)
        if loaded.config.pad_token_id is None:  # classifiers on decoders look for the last token that is not padding
            loaded.config.pad_token_id = self._pad_id

    def forward(self, inputs: list[Inputs]) -> list[Any]:
        with torch.inference_mode():
            logits = self._scores(inputs)
        return list(logits.float().cpu().numpy())

    def padding(self, inputs: list[Inputs]) -> list[int]:
        return super().padding(inputs) if self._encoder else to_longest(lengths(inputs))

    def _scores(self, inputs: list[Inputs]) -> Any:
        """Shape (texts, labels)."""
        model, batch = self._loaded.model, stack(inputs, self._pad_id, self._loaded.device)
        if self._encoder is None:
            return model(**batch).logits
        return scored(head_layers(model), self._encoder.first(batch, lengths(inputs)))
