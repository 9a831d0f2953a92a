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
from sidecar.engines.transformers.fused.prefixes import Prefixes
from sidecar.engines.transformers.preparation import score_processors
from sidecar.engines.transformers.processors import Processors
from sidecar.engines.transformers.sampling import choose
from sidecar.runtime.protocol import Generate

# Tokens of prompts read per iteration: few while others wait for their next word, many when nobody does.
PIECE_AMONG_OTHERS = 128
PIECE_ALONE = 1024


@dataclass
class _Filling:
    """A sequence whose prompt is being read."""

    tokens: list[int]
    past: Past


@dataclass(frozen=True)
class _Row:
    answer: Answer
    processors: Processors

    def tokens(self, length: int) -> list[int]:
        return (self.answer.prompt.token_ids + self.answer.generated)[:length]


class FusedGenerator:
    """`model` is the library's, without its layers: it says which score processors a request has. `budget`: bytes of
    ended sequences kept for their prefixes. `answering` is set with the first token; `settling`: what then goes on beside."""

    settling: Thread | None = None
    joins = True

    def __init__(
        self, decoder: Decoder, model: Any, pad_id: int, prepare: Callable[[Generate], Prompt], budget: int
    ) -> None:
        self.prepare = prepare
        self._decoder = decoder
        self._model = model
        self._pad_id = pad_id
        self._batch = BatchPast(decoder.sizes.shape)
        self._rows: list[_Row] = []  # as in the batch
        self._filling: dict[int, _Filling] = {}
        self._prefixes = Prefixes(decoder.sizes.shape, budget)
        self.answering = Event()

    @property
    def reading(self) -> bool:
        """Whether prompts are being read."""
        return bool(self._filling)

    def start(self, answers: list[Answer]) -> list[int | None]:
        left = PIECE_AMONG_OTHERS if self._rows else PIECE_ALONE
        tokens: list[int | None] = []
        with torch.inference_mode():
            for answer in answers:
                token, used = self._read(answer, left) if left else (None, 0)
                left -= used
                tokens.append(token)
        return tokens

    def step(self, answers: list[Answer]) -> list[int]:
        with torch.inference_mode():
            x = self._decoder.step([row.answer.generated[-1] for row in self._rows], self._batch)
            scores = self._processed(self._decoder.scores(x))
            chosen = choose([row.answer for row in self._rows], scores)
        tokens = {row.answer.key: token for row, token in zip(self._rows, chosen, strict=True)}
        return [tokens[answer.key] for answer in answers]

    def drop(self, answers: list[Answer]) -> None:
        for key in {answer.key for answer in answers}:
            self._filling.pop(key, None)
            place = next((place for place, row in enumerate(self._rows) if row.answer.key == key), None)
            if place is not None:
                with torch.inference_mode():
                    self._leave(place)

    def _read(self, answer: Answer, most: int) -> tuple[int | None, int]:
        """Read at most so many tokens of the prompt. The answer's first token once all are read, and how many were."""
        filling = self._filling.get(answer.key)
        if filling is None:
            tokens = answer.prompt.token_ids + answer.generated
            filling = self._filling[answer.key] = _Filling(tokens, self._prefixes.begin(tokens))
            answer.cached_tokens = filling.past.length
        piece = filling.tokens[filling.past.length :][:most]
        x = self._decoder.prefill(piece, filling.past)
        if filling.past.length < len(filling.tokens):
            return None, len(piece)
        del self._filling[answer.key]
        processors = score_processors(self._model, answer, self._pad_id)
        scores = processors(torch.tensor([filling.tokens]), self._decoder.scores(x))
        token = choose([answer], scores)[0]
        self.answering.set()
        self._batch.join(filling.past)
        self._rows.append(_Row(answer, processors))
        return token, len(piece)

    def _leave(self, place: int) -> None:
        row, length = self._rows[place], self._batch.lengths[place]
        self._prefixes.keep(row.tokens(length), lambda: self._batch.copy_of(place))
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
