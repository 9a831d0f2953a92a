"""The generator for decoders that are computed here: prompts in pieces, all rows stepped together, prefixes reused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

import torch

from sidecar.engines.base import Answer, Prompt
from sidecar.engines.transformers.fused.decoder import Decoder
from sidecar.engines.transformers.fused.past import BatchPast, Past
from sidecar.engines.transformers.pieces import Filling, PieceReader
from sidecar.engines.transformers.preparation import score_processors
from sidecar.engines.transformers.processors import Processors
from sidecar.engines.transformers.sampling import choose
from sidecar.runtime.protocol import Generate


@dataclass(frozen=True)
class _Row:
    answer: Answer
    processors: Processors

    def tokens(self, length: int) -> list[int]:
        return (self.answer.prompt.token_ids + self.answer.generated)[:length]


class FusedGenerator(PieceReader[Past]):
    """`model` is the library's, without its layers: it says which score processors a request has. `budget`: bytes of
    ended sequences kept for their prefixes. `answering` is set with the first token; `settling`: what then goes on beside."""

    settling: Thread | None = None

    def __init__(
        self, decoder: Decoder, model: Any, pad_id: int, prepare: Callable[[Generate], Prompt], budget: int
    ) -> None:
        super().__init__(prepare, budget)
        self._decoder = decoder
        self._model = model
        self._pad_id = pad_id
        self._shape = decoder.sizes.shape
        self._batch = BatchPast(self._shape)
        self._rows: list[_Row] = []  # as in the batch
        self.answering = Event()

    def step(self, answers: list[Answer]) -> list[int]:
        with torch.inference_mode():
            x = self._decoder.step([row.answer.generated[-1] for row in self._rows], self._batch)
            scores = self._processed(self._decoder.scores(x))
            chosen = choose([row.answer for row in self._rows], scores)
        tokens = {row.answer.key: token for row, token in zip(self._rows, chosen, strict=True)}
        return [tokens[answer.key] for answer in answers]

    def _running(self) -> bool:
        return bool(self._rows)

    def _begin(self, tokens: list[int]) -> Past:
        past = Past(self._shape, len(tokens))
        if kept := self._prefixes.find(tokens):
            past.take(*kept)
        return past

    def _compute(self, piece: list[int], past: Past) -> torch.Tensor:
        return self._decoder.prefill(piece, past)

    def _join(self, answer: Answer, filling: Filling[Past], x: torch.Tensor) -> int:
        processors = score_processors(self._model, answer, self._pad_id)
        scores = processors(torch.tensor([filling.tokens]), self._decoder.scores(x))
        token = choose([answer], scores)[0]
        self.answering.set()
        self._batch.join(filling.past)
        self._rows.append(_Row(answer, processors))
        return token

    def _leave(self, keys: set[int]) -> None:
        for place in reversed(range(len(self._rows))):
            if self._rows[place].answer.key in keys:
                self._leave_place(place)

    def _leave_place(self, place: int) -> None:
        row, length = self._rows[place], self._batch.lengths[place]
        self._prefixes.keep(row.tokens(length), self._shape.token_bytes, lambda: self._batch.copy_of(place))
        self._batch.leave(place)
        last = self._rows.pop()
        if place < len(self._rows):
            self._rows[place] = last

    def _processed(self, scores: torch.Tensor) -> torch.Tensor:
        """Each row's own processors; most models and requests have none."""
        for place, row in enumerate(self._rows):
            if row.processors:
                ids = torch.tensor([row.answer.prompt.token_ids + row.answer.generated])
                scores[place : place + 1] = row.processors(ids, scores[place : place + 1])
        return scores
