"""The generator for encoder-decoders, and for models whose rows cannot join: their prompts are read whole."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import torch

from sidecar.engines.base import Answer, Prompt
from sidecar.engines.padded import to_longest
from sidecar.engines.transformers.cohort import Cohort
from sidecar.engines.transformers.fused.seq2seq import Seq2SeqDecoder
from sidecar.engines.transformers.fused.seq2seq_encoder import Seq2SeqEncoder
from sidecar.engines.transformers.preparation import family, prefill
from sidecar.engines.transformers.seq2seq_batch import Seq2SeqBatch
from sidecar.runtime.protocol import Generate


class TransformersGenerator:
    """Steps a model's sequences: all in one batch where the decoder is of our own, else in cohorts, one after another."""

    def __init__(self, model: Any, pad_id: int, prepare: Callable[[Generate], Prompt]) -> None:
        self.prepare = prepare
        self._model = model
        self._pad_id = pad_id
        self._batch = Seq2SeqBatch(model, pad_id) if isinstance(model.get_decoder(), Seq2SeqDecoder) else None
        self._cohorts: list[Cohort] = []

    @property
    def joins(self) -> bool:
        return self._batch is not None

    def start(self, answers: list[Answer]) -> list[int]:
        with torch.inference_mode():
            return self._start_families(answers)

    def step(self, answers: list[Answer]) -> list[int]:
        keys = {answer.key for answer in answers}
        tokens: dict[int, int] = {}
        with torch.inference_mode():
            for group in self._groups():
                if keys.intersection(answer.key for answer in group.answers):
                    tokens |= group.step()
        return [tokens[answer.key] for answer in answers]

    def drop(self, answers: list[Answer]) -> None:
        gone = {answer.key for answer in answers}
        with torch.inference_mode():
            for group in self._groups():
                if gone.intersection(answer.key for answer in group.answers):
                    group.drop(gone)
        self._cohorts = [cohort for cohort in self._cohorts if cohort.answers]

    def _start_families(self, answers: list[Answer]) -> list[int]:
        tokens: dict[int, int] = {}
        for _, members in groupby(sorted(answers, key=self._family), key=self._family):
            alike = list(members)
            tokens |= {answer.key: token for answer, token in zip(alike, self._begin(alike), strict=True)}
        return [tokens[answer.key] for answer in answers]

    def _begin(self, answers: list[Answer]) -> list[int]:
        """The tokens that follow the prompts."""
        if self._batch is not None:
            tokens = self._batch.join(answers)
            self._count_padding(answers)
            return tokens
        prefilled = prefill(self._model, answers, self._pad_id)
        self._count_padding(answers)
        cohort = Cohort(self._model, answers, prefilled)
        tokens = cohort.first(prefilled.logits)
        self._cohorts.append(cohort)
        return tokens

    def _count_padding(self, answers: list[Answer]) -> None:
        """Of what an encoder has read, unless it is ours, which computes none. Decoders read prompts of one length together."""
        if self._model.config.is_encoder_decoder and not isinstance(self._model.get_encoder(), Seq2SeqEncoder):
            lengths = [len(answer.prompt.token_ids) for answer in answers]
            for answer, padding in zip(answers, to_longest(lengths), strict=True):
                answer.padding += padding

    def _groups(self) -> list[Seq2SeqBatch | Cohort]:
        return [self._batch] if self._batch is not None else list(self._cohorts)

    def _family(self, answer: Answer) -> str:
        return repr(family(self._model, answer))
