"""The generator for library models whose rows may join: prompts in pieces, all rows stepped together, prefixes reused."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

from sidecar.engines.base import Answer, Prompt
from sidecar.engines.transformers.padded_batch import LibraryPast, PaddedBatch
from sidecar.engines.transformers.pieces import Filling, PieceReader
from sidecar.engines.transformers.preparation import last_logits, score_processors
from sidecar.engines.transformers.sampling import choose
from sidecar.runtime.protocol import Generate


class PaddedGenerator(PieceReader[LibraryPast]):
    """Valid only where `can_join` says so. `budget`: bytes of ended sequences kept for their prefixes, on the model's device."""

    def __init__(self, model: Any, pad_id: int, prepare: Callable[[Generate], Prompt], budget: int) -> None:
        super().__init__(prepare, budget)
        self._model = model
        self._pad_id = pad_id
        self._batch = PaddedBatch(model)
        takes = inspect.signature(model.forward).parameters
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}

    def step(self, answers: list[Answer]) -> list[int]:
        with torch.inference_mode():
            tokens = self._batch.step()
        return [tokens[answer.key] for answer in answers]

    def _running(self) -> bool:
        return bool(self._batch.answers)

    def _begin(self, tokens: list[int]) -> LibraryPast:
        kept = self._prefixes.find(tokens)
        return kept[0].beginning(kept[1]) if kept else LibraryPast()

    def _compute(self, piece: list[int], past: LibraryPast) -> torch.Tensor:
        device, first = self._model.device, past.length
        outputs = self._model(
            input_ids=torch.tensor([piece], device=device),
            position_ids=torch.arange(first, first + len(piece), device=device)[None],
            past_key_values=past.cache,
            use_cache=True,
            return_dict=True,
            **self._last_only,
        )
        return last_logits(outputs)

    def _join(self, answer: Answer, filling: Filling[LibraryPast], x: torch.Tensor) -> int:
        processors = score_processors(self._model, answer, self._pad_id)
        token = choose([answer], processors(torch.tensor([filling.tokens], device=x.device), x))[0]
        self._batch.join(answer, filling.past, processors)
        return token

    def _leave(self, keys: set[int]) -> None:
        rows = [row for row, answer in enumerate(self._batch.answers) if answer.key in keys]
        for row in rows:
            tokens = self._batch.read(row)
            self._prefixes.keep(tokens, self._batch.token_bytes, lambda row=row: self._batch.copy_of(row))  # type: ignore[misc]
        if rows:
            self._batch.drop(keys)
