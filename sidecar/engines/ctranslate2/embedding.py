"""Embeddings with a converted encoder: one vector per text, pooled in numpy as the model's files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sidecar.engines.ctranslate2.encoder import Encoder
from sidecar.engines.ctranslate2.pooling import Pooling
from sidecar.engines.embedding import TextEmbedder
from sidecar.engines.text_inputs import Inputs


class Embedder(TextEmbedder):
    """Embeds texts with the encoder and the modules that follow it."""

    def __init__(self, name: str, folder: Path, tokenizer: Any, context: int | None, encoder: Encoder) -> None:
        self._encoder = encoder
        self.pooling = Pooling(name, folder)
        super().__init__(folder, tokenizer, context)

    def forward(self, inputs: list[Inputs]) -> list[Any]:
        return list(self.pooling(*self._encoder.hidden(inputs)))
