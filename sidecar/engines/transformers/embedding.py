"""Embeddings with torch: one vector per text, pooled as the model's files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sidecar.engines.embedding import TextEmbedder
from sidecar.engines.text_inputs import Inputs, padding_id
from sidecar.engines.transformers.loading import LoadedModel, context_length
from sidecar.engines.transformers.padding import stack
from sidecar.engines.transformers.pooling import read_pooling


class Embedder(TextEmbedder):
    """Embeds texts with the transformer and the modules that follow it."""

    def __init__(self, loaded: LoadedModel) -> None:
        folder = Path(loaded.frame.path)
        self._loaded = loaded
        self._pad_id = padding_id(loaded.tokenizer)
        self.pooling = read_pooling(loaded.name, folder)
        super().__init__(folder, loaded.tokenizer, context_length(loaded))

    def forward(self, inputs: list[Inputs]) -> list[Any]:
        batch = stack(inputs, self._pad_id, self._loaded.device)
        with torch.inference_mode():
            hidden = self._loaded.model(**batch).last_hidden_state
            return list(self.pooling(hidden.float(), batch["attention_mask"]).cpu().numpy())
