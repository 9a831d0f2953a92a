"""Rows that started together and are stepped together, the way the library's `generate` steps them.

It serves every model the library can load. Rows may leave, none can join.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import Cache

from sidecar.engines.base import Answer
from sidecar.engines.transformers.preparation import Prefilled, last_logits
from sidecar.engines.transformers.sampling import choose

CACHES = ("past_key_values", "cache_params")


class Cohort:
    """The state of some rows: tokens so far, masks, encoder output, cache."""

    def __init__(self, model: Any, answers: list[Answer], prefilled: Prefilled) -> None:
        self.answers = answers
        self._model = model
        self._ids = prefilled.ids
        self._processors = prefilled.processors
        self._state = prefilled.state
        self._ended: set[int] = set()
        self._trimmable = all(isinstance(value, Cache) for key, value in self._state.items() if key in CACHES)

    def first(self, logits: torch.Tensor) -> list[int]:
        """The tokens that follow the prompts."""
        return self._append(choose(self.answers, self._processors(self._ids, logits)))

    def step(self) -> dict[int, int]:
        """The next token of each row, by the answer's key."""
        inputs = self._model.prepare_inputs_for_generation(self._ids, next_sequence_length=1, **self._state)
        outputs = self._model(**inputs, return_dict=True)
        self._state = self._model._update_model_kwargs_for_generation(
            outputs, self._state, is_encoder_decoder=self._model.config.is_encoder_decoder
        )
        tokens = self._append(choose(self.answers, self._processors(self._ids, last_logits(outputs))))
        return {answer.key: token for answer, token in zip(self.answers, tokens, strict=True)}

    def drop(self, keys: set[int]) -> None:
        """Let rows leave. A state that cannot be cut keeps computing them until the whole cohort has ended."""
        self._ended |= keys
        rows = [row for row, answer in enumerate(self.answers) if answer.key not in self._ended]
        if rows and not self._trimmable:
            return
        if rows:
            index = torch.tensor(rows, dtype=torch.long, device=self._ids.device)
            self._state = {name: _select(value, index, len(self.answers)) for name, value in self._state.items()}
            self._ids = self._ids[index]
        self.answers = [self.answers[row] for row in rows]

    def _append(self, tokens: list[int]) -> list[int]:
        column = torch.tensor(tokens, dtype=self._ids.dtype, device=self._ids.device)[:, None]
        self._ids = torch.cat([self._ids, column], dim=-1)
        return tokens


def _select(value: Any, index: torch.Tensor, rows: int) -> Any:
    """The chosen rows of anything that has one entry per row; everything else as it is."""
    if isinstance(value, Cache):
        value.reorder_cache(index)
        return value
    if isinstance(value, torch.Tensor) and value.dim() and value.shape[0] == rows:
        return value[index]
    if isinstance(value, dict):  # the encoder's output
        return type(value)(**{name: _select(item, index, rows) for name, item in value.items()})
    return value
