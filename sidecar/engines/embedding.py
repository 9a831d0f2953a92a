"""Embedding apart from its arithmetic: prompts, limits, normalising, shortening. Engines supply the pooled vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from sidecar.engines.base import Encoding
from sidecar.engines.model_folder import read_json, weights_folder
from sidecar.engines.padded import Unpadded
from sidecar.engines.text_inputs import Inputs, encode_texts
from sidecar.engines.vectors import check_dimensions, embedded
from sidecar.runtime.protocol import Embed, Embedded


class TextEmbedder(Unpadded, ABC):
    """Embeds texts. A row is the pooled vector of one text, float32. `limit`: the tokens it reads of a text."""

    def __init__(self, folder: Path, tokenizer: Any, context: int | None) -> None:
        settings = read_json(weights_folder(folder) / "sentence_bert_config.json") or {}
        self._tokenizer = tokenizer
        self._lower = bool(settings.get("do_lower_case"))
        self._prefix = default_prompt(folder)
        self.limit = _smaller(context, settings.get("max_seq_length"))
        # The shortest input: what comes out has the model's dimensions, whatever its modules do.
        self.dimensions = len(self.forward(self._inputs(["a"], truncate=True).inputs)[0])

    @abstractmethod
    def forward(self, inputs: list[Inputs]) -> list[Any]:
        """The pooled vector of each input, float32."""

    def encode(self, request: Embed) -> Encoding:
        check_dimensions(request, self.dimensions)
        return self._inputs(
            [self._prefix + (text.lower() if self._lower else text) for text in request.texts], request.truncate
        )

    def outcome(self, request: Embed, encoding: Encoding, rows: list[Any]) -> Embedded:
        return embedded(request, encoding, rows)

    def _inputs(self, texts: list[str], truncate: bool) -> Encoding:
        return encode_texts(self._tokenizer, texts, None, limit=self.limit, truncate=truncate)


def default_prompt(folder: Path) -> str:
    """The text that the model wants in front of every other, mostly none."""
    settings = read_json(folder / "config_sentence_transformers.json") or {}
    return str((settings.get("prompts") or {}).get(settings.get("default_prompt_name"), ""))


def _smaller(first: int | None, second: int | None) -> int | None:
    return min((value for value in (first, second) if value is not None), default=None)
