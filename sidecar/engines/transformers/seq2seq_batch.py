"""Rows of an encoder-decoder that are stepped together and may join and leave at any step.

Valid only where the decoder is a `Seq2SeqDecoder`; other encoder-decoders are stepped in a `Cohort`.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import Any

import torch

from sidecar.engines.base import Answer
from sidecar.engines.transformers.fused.past import BatchPast
from sidecar.engines.transformers.fused.seq2seq import Seq2SeqDecoder
from sidecar.engines.transformers.preparation import Beginning, begin, encoder_inputs, kind
from sidecar.engines.transformers.sampling import choose

BLOCK = 64  # tokens by which room for keys and values grows: sentences are short, and rows many
BEGINNINGS = 32  # that are kept: making one takes the library longer than a step


@dataclass(frozen=True)
class _Row:
    answer: Answer
    beginning: Beginning

    @property
    def tokens(self) -> list[int]:
        return self.beginning.ids + self.answer.generated


class Seq2SeqBatch:
    """The running rows of a model."""

    def __init__(self, model: Any, pad_id: int) -> None:
        self._model = model
        self._pad_id = pad_id
        self._decoder: Seq2SeqDecoder = model.get_decoder()
        self._bias: torch.Tensor | None = getattr(model, "final_logits_bias", None)
        self._beginnings: OrderedDict[Any, Beginning] = OrderedDict()  # the least recently used first
        self._rows: list[_Row] = []
        self._written, self._read = self._no_past(), self._no_past()

    @property
    def answers(self) -> list[Answer]:
        return [row.answer for row in self._rows]

    def join(self, answers: list[Answer]) -> list[int]:
        """Take in rows that agree in `family`, and return their next tokens."""
        rows = [_Row(answer, self._beginning(answer)) for answer in answers]
        encoded = self._model.get_encoder()(**encoder_inputs(answers, self._pad_id)).last_hidden_state
        written, read = self._no_past(), self._no_past()
        written.fill([], [0] * len(rows))
        read.fill(self._decoder.sources(encoded), [len(answer.prompt.token_ids) for answer in answers])
        for column in zip(*(row.tokens for row in rows), strict=True):
            hidden = self._decoder.step(list(column), written, read)
        tokens = self._next(rows, hidden)
        self._written.reserve_for(written)
        self._read.reserve_for(read)
        # Nothing fails from here on: where memory runs out before, the running rows stay as they are.
        self._written.join_all(written)
        self._read.join_all(read)
        self._rows += rows
        return tokens

    def step(self) -> dict[int, int]:
        """The next token of each row, by the answer's key."""
        newest = [row.answer.generated[-1] for row in self._rows]
        tokens = self._next(self._rows, self._decoder.step(newest, self._written, self._read))
        return {row.answer.key: token for row, token in zip(self._rows, tokens, strict=True)}

    def drop(self, keys: set[int]) -> None:
        """Let rows leave."""
        for place in reversed(range(len(self._rows))):
            if self._rows[place].answer.key in keys:
                self._leave(place)

    def _no_past(self) -> BatchPast:
        return BatchPast(self._decoder.shape, BLOCK)

    def _beginning(self, answer: Answer) -> Beginning:
        """What the library begins with; the same for all that agree in `kind`."""
        key = kind(self._model, answer)
        if key not in self._beginnings:
            self._beginnings[key] = begin(self._model, answer, self._pad_id)
            if len(self._beginnings) > BEGINNINGS:
                self._beginnings.popitem(last=False)
        self._beginnings.move_to_end(key)
        return self._beginnings[key]

    def _next(self, rows: list[_Row], hidden: torch.Tensor) -> list[int]:
        """The tokens that follow the rows' last ones, from hidden states of shape (rows, width)."""
        scores = self._model.lm_head(hidden)
        if self._bias is not None:
            scores += self._bias
        return choose([row.answer for row in rows], _processed(rows, scores))

    def _leave(self, place: int) -> None:
        self._written.leave(place)
        self._read.leave(place)
        last = self._rows.pop()
        if place < len(self._rows):
            self._rows[place] = last


def _processed(rows: list[_Row], scores: torch.Tensor) -> torch.Tensor:
    """What the library does to the scores, of rows together that share it and are equally long."""
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        alike[id(row.beginning), len(row.answer.generated)].append(place)
    for places in alike.values():
        processors = rows[places[0]].beginning.processors
        if not processors:
            continue
        ids = torch.tensor([rows[place].tokens for place in places])
        if len(places) == len(rows):
            return processors(ids, scores)
        scores[places] = processors(ids, scores[places])
    return scores
