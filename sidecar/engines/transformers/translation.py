"""Translation with torch: greedy and sampled texts become sequences of the generator, beam search is the library's own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from sidecar.engines.base import Encoding, Prompt, Pulse, TranslationPlan
from sidecar.engines.grouping import in_groups
from sidecar.engines.padded import to_longest
from sidecar.engines.text_inputs import padding_id
from sidecar.engines.transformers.fused.seq2seq_encoder import Seq2SeqEncoder
from sidecar.engines.transformers.loading import LoadedModel, context_length
from sidecar.engines.transformers.padding import stack
from sidecar.engines.transformers.prompts import MAX_SEED, decoder_room, end_ids
from sidecar.engines.translating import UNWANTED, Source, SourceReader, Translation, check_minimum, translated
from sidecar.runtime.protocol import Translate, Translated
from sidecar.types import Sampling

DEFAULT_LIMIT = 512


class ModelTranslator:
    """Prepares texts for translation by one model, token by token: greedy unless the request asks for a temperature."""

    def __init__(self, loaded: LoadedModel, defaults: Any) -> None:
        self._loaded = loaded
        self._defaults = defaults
        self.reader = SourceReader(loaded.name, loaded.config, loaded.tokenizer, context_length(loaded))
        self.languages = self.reader.languages

    def prepare(self, request: Translate) -> TranslationPlan:
        source = self.reader.read(request)
        extra = dict(source.direction.generation)
        if request.options.no_repeat_ngram_size is not None:
            extra["no_repeat_ngram_size"] = request.options.no_repeat_ngram_size
        if request.options.min_new_tokens is not None:
            extra["min_new_tokens"] = request.options.min_new_tokens
        sampling = self._sampling(request)
        prompts = [self._prompt(row, source, request, sampling, extra) for row in source.rows]
        return TranslationPlan(prompts, source.join, source.warnings)

    def limit(self, request: Translate, source: Source) -> int:
        """Tokens that a translation may have, its end included. Raises InvalidRequest where fewer are asked for at least."""
        # As in the library, max_length counts the token that a decoder begins with.
        longest = (source.direction.limit or self._defaults.max_length or DEFAULT_LIMIT) - 1
        room = decoder_room(self._loaded) or longest
        limit = min(request.options.max_new_tokens or longest, room)
        check_minimum(request.options, limit)
        return limit

    def repetition_penalty(self, request: Translate) -> float:
        return float(request.options.repetition_penalty or self._defaults.repetition_penalty or 1.0)

    def decode(self, generated: list[int]) -> str:
        return str(self._loaded.tokenizer.decode(generated, skip_special_tokens=True))

    def _sampling(self, request: Translate) -> Sampling:
        options = request.options
        return Sampling(
            temperature=options.temperature or 0.0,
            top_k=options.top_k or 0,
            top_p=options.top_p or 1.0,
            min_p=0.0,
            repetition_penalty=self.repetition_penalty(request),
        )

    def _prompt(
        self, row: list[int], source: Source, request: Translate, sampling: Sampling, extra: dict[str, int]
    ) -> Prompt:
        seed = request.options.seed
        return Prompt(
            token_ids=row,
            limit=self.limit(request, source),
            end_ids=end_ids(self._defaults),
            decode=self.decode,
            sampling=sampling,
            seed=secrets.randbelow(MAX_SEED) if seed is None else seed,
            extra=extra,
        )


@dataclass(frozen=True)
class BeamInput:
    """One piece, and the arguments for `generate` that pieces of one batch must share."""

    tokens: list[int]
    arguments: dict[str, Any]


class Unwanted(StoppingCriteria):  # type: ignore[misc]  # the library's class is untyped
    """Tells of every step of a search, and ends it when nobody wants its result any more."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse

    def __call__(self, input_ids: torch.Tensor, scores: Any, **more: Any) -> torch.Tensor:
        """The library asks it of every hypothesis, and ends once all of them are to end; shape (hypotheses,)."""
        return torch.full((len(input_ids),), not self._pulse(), device=input_ids.device)


class BeamTranslator:
    """Translates whole batches with the library's beam search."""

    def __init__(self, loaded: LoadedModel, defaults: Any, translator: ModelTranslator, pulse: Pulse) -> None:
        self._loaded = loaded
        self._defaults = defaults
        self._translator = translator
        self._ends = end_ids(defaults)
        self._pad_id = padding_id(loaded.tokenizer)
        self._pulse = pulse
        self._stops = StoppingCriteriaList([Unwanted(pulse)])

    def encode(self, request: Translate) -> Encoding:
        source = self._translator.reader.read(request)
        arguments = self._arguments(request, source)
        inputs = [BeamInput(row, arguments) for row in source.rows]
        return Encoding(inputs, [len(row) for row in source.rows], source.warnings, extra=source)

    def forward(self, inputs: list[BeamInput]) -> list[Translation]:
        return in_groups(inputs, lambda item: item.arguments, self._searched)

    def padding(self, inputs: list[BeamInput]) -> list[int]:
        """Of what the encoder reads; how the library pads what it writes is not told."""
        if isinstance(self._loaded.model.get_encoder(), Seq2SeqEncoder):
            return [0] * len(inputs)
        return in_groups(
            inputs, lambda one: one.arguments, lambda group: to_longest([len(one.tokens) for one in group])
        )

    def outcome(self, request: Translate, encoding: Encoding, rows: list[Translation]) -> Translated:
        return translated(request, encoding, rows)

    def _arguments(self, request: Translate, source: Source) -> dict[str, Any]:
        options = request.options
        given = {
            "num_beams": options.num_beams,
            "num_return_sequences": options.num_hypotheses or 1,
            "length_penalty": self._length_penalty(request.options.length_penalty),
            "early_stopping": bool(self._defaults.early_stopping),
            "no_repeat_ngram_size": options.no_repeat_ngram_size,
            "min_new_tokens": options.min_new_tokens,
            "repetition_penalty": self._translator.repetition_penalty(request),
            "max_length": self._translator.limit(request, source) + 1,
        }
        return {name: value for name, value in given.items() if value is not None} | source.direction.generation

    def _length_penalty(self, asked: float | None) -> float:
        """0, which does not look at the length, is a choice like any other."""
        given = (value for value in (asked, self._defaults.length_penalty) if value is not None)
        return float(next(given, 1.0))

    def _searched(self, inputs: list[BeamInput]) -> list[Translation]:
        if not self._pulse():
            return [UNWANTED] * len(inputs)
        rows = [{"input_ids": item.tokens, "attention_mask": [1] * len(item.tokens)} for item in inputs]
        batch = stack(rows, self._pad_id, self._loaded.device)
        with torch.inference_mode():
            found = self._loaded.model.generate(
                **batch, do_sample=False, stopping_criteria=self._stops, **inputs[0].arguments
            )
        hypotheses = found[:, 1:].reshape(len(inputs), -1, found.shape[1] - 1)
        return [self._translation(best_first) for best_first in hypotheses.tolist()]

    def _translation(self, hypotheses: list[list[int]]) -> Translation:
        best, *others = [self._kept(tokens) for tokens in hypotheses]
        cut = bool(self._ends) and best[-1] not in self._ends
        return Translation([self._translator.decode(tokens) for tokens in (best, *others)], len(best), cut)

    def _kept(self, tokens: list[int]) -> list[int]:
        """Up to the end; behind it the library pads."""
        end = next((index for index, token in enumerate(tokens) if token in self._ends), None)
        return tokens if end is None else tokens[: end + 1]
