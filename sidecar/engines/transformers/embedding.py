"""Embeddings: one vector per text, pooled as the model's files say, normalised and shortened as the request says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from sidecar.engines.base import Encoding
from sidecar.engines.transformers.loading import LoadedModel, context_length, read_json
from sidecar.engines.transformers.padding import Inputs, padding_id, stack
from sidecar.engines.transformers.pooling import read_pooling
from sidecar.engines.transformers.reading import encode_texts
from sidecar.errors import InvalidRequest
from sidecar.runtime.protocol import Embed, Embedded


class Embedder:
    """Embeds texts. A row is the pooled vector of one text, float32."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._pad_id = padding_id(loaded.tokenizer)
        folder = Path(loaded.frame.path)
        self.pooling = read_pooling(loaded.name, folder)
        settings = read_json(loaded.folder / "sentence_bert_config.json") or {}
        self._lower = bool(settings.get("do_lower_case"))
        self._prefix = default_prompt(folder)
        self.limit = _smaller(context_length(loaded), settings.get("max_seq_length"))
        self.dimensions = len(self.forward(self._probe())[0])

    def encode(self, request: Embed) -> Encoding:
        if request.dimensions is not None and request.dimensions > self.dimensions:
            reason = f"dimensions is {request.dimensions}, but the model's vectors have {self.dimensions}"
            raise InvalidRequest(reason=reason)
        texts = [self._prefix + (text.lower() if self._lower else text) for text in request.texts]
        return encode_texts(self._loaded, texts, None, limit=self.limit, truncate=request.truncate)

    def forward(self, inputs: list[Inputs]) -> list[Any]:
        batch = stack(inputs, self._pad_id, self._loaded.device)
        with torch.inference_mode():
            hidden = self._loaded.model(**batch).last_hidden_state
            return list(self.pooling(hidden.float(), batch["attention_mask"]).cpu().numpy())

    def outcome(self, request: Embed, encoding: Encoding, rows: list[Any]) -> Embedded:
        dimensions = request.dimensions or self.dimensions
        vectors = np.stack(rows).astype(np.float32)[:, :dimensions]
        if request.normalize:
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
        return Embedded(
            vectors=np.ascontiguousarray(vectors).tobytes(),
            dimensions=dimensions,
            tokens=encoding.tokens,
            warnings=encoding.warnings,
        )

    def _probe(self) -> list[Inputs]:
        """The shortest input: what comes out has the model's dimensions, whatever its modules do."""
        return encode_texts(self._loaded, ["a"], None, limit=self.limit, truncate=True).inputs


def default_prompt(folder: Path) -> str:
    """The text that the model wants in front of every other, mostly none."""
    settings = read_json(folder / "config_sentence_transformers.json") or {}
    return str((settings.get("prompts") or {}).get(settings.get("default_prompt_name"), ""))


def _smaller(first: int | None, second: int | None) -> int | None:
    return min((value for value in (first, second) if value is not None), default=None)
