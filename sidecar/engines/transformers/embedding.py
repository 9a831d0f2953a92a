"""Embeddings with torch: one vector per text, pooled as the model's files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sidecar.engines.embedding import TextEmbedder
from sidecar.engines.padded import to_longest
from sidecar.engines.text_inputs import Inputs, lengths, padding_id
from sidecar.engines.transformers.fused.encoder import Encoder
from sidecar.engines.transformers.loading import LoadedModel, context_length
from sidecar.engines.transformers.padding import stack
from sidecar.engines.transformers.pooling import read_pooling


class Embedder(TextEmbedder):
    """Embeds texts with the transformer and the modules that follow it."""

    def __init__(self, loaded: LoadedModel, encoder: Encoder | None) -> None:
        folder = Path(loaded.frame.path)
        self._loaded = loaded
        self._encoder = encoder
        self._pad_id = padding_id(loaded.tokenizer)
        self.pooling = read_pooling(loaded.name, folder)
        super().__init__(folder, loaded.tokenizer, context_length(loaded))

    def forward(self, inputs: list[Inputs]) -> list[Any]:
        batch = stack(inputs, self._pad_id, self._loaded.device)
        with torch.inference_mode():
            hidden = self._hidden(batch, lengths(inputs))
            return list(self.pooling(hidden.float(), batch["attention_mask"]).cpu().numpy())

    def padding(self, inputs: list[Inputs]) -> list[int]:
        return super().padding(inputs) if self._encoder else to_longest(lengths(inputs))

    def _hidden(self, batch: dict[str, torch.Tensor], counts: list[int]) -> Any:
        """Of the tokens that are pooled, shape (texts, tokens, size). `counts`: the tokens of each text."""
        if self._encoder is None:
            return self._loaded.model(**batch).last_hidden_state
        if self.pooling.modes == ["cls"]:
            return self._encoder.first(batch, counts)[:, None]
        return self._encoder.hidden(batch, counts)
