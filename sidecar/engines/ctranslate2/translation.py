"""Translation, and all text-to-text generation, with a converted encoder-decoder: whole batches, decoded by the library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2

from sidecar.engines.base import Encoding, Pulse
from sidecar.engines.ctranslate2.device import Placement, opened
from sidecar.engines.ctranslate2.generation import WholeGenerator
from sidecar.engines.ctranslate2.manifest import Manifest
from sidecar.engines.ctranslate2.stopping import stopping
from sidecar.engines.grouping import in_groups
from sidecar.engines.padded import Unpadded
from sidecar.engines.translating import UNWANTED, Source, SourceReader, Translation, check_minimum, translated
from sidecar.errors import Unsupported
from sidecar.runtime.protocol import Translate, Translated
from sidecar.types import TranslationOptions

DEFAULT_LIMIT = 512
VOCABULARY = "shared_vocabulary.json"  # source and target have one, in the families that are converted
BEAM_ROWS = 32  # hypotheses that are searched at once: as many as keep a processor busy, and few enough to end soon
ALL_TOKENS = 0  # the library's word for drawing from the whole vocabulary


@dataclass(frozen=True)
class Search:
    """How pieces of one batch are decoded; those that agree are decoded together."""

    arguments: tuple[tuple[str, Any], ...]
    first: tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    tokens: list[str]
    search: Search


class Translator(Unpadded):
    """Translates by one converted model."""

    def __init__(
        self,
        name: str,
        config: Any,
        tokenizer: Any,
        manifest: Manifest,
        folder: Path,
        placement: Placement,
        pulse: Pulse,
    ) -> None:
        self._name = name
        self._tokenizer = tokenizer
        self._manifest = manifest
        self._stops = stopping(pulse)
        self._reader = SourceReader(name, config, tokenizer, manifest.context_length)
        self._names: list[str] = json.loads((folder / VOCABULARY).read_text("utf-8"))  # by id
        self._ids = {name: index for index, name in enumerate(self._names)}
        self._translator = opened(ctranslate2.Translator, folder, placement)
        self.languages = self._reader.languages

    def whole_generator(self) -> WholeGenerator:
        """The same model answering prompts as they are, as text-to-text models do."""
        return WholeGenerator(self._name, self._tokenizer, self._manifest, self._names, self._answers)

    def _answers(self, prompts: list[list[str]], options: dict[str, Any]) -> list[list[str]]:
        limit = self._before_end(options.pop("limit"))
        prefixes = [self._manifest.forced_first] * len(prompts) if self._manifest.forced_first else None
        results = self._translator.translate_batch(
            prompts, prefixes, beam_size=1, max_input_length=0, max_decoding_length=limit, return_end_token=True,
            min_decoding_length=min(limit, self._manifest.min_length),
            no_repeat_ngram_size=self._manifest.no_repeat_ngram_size, end_token=self._manifest.end_tokens or None,
            callback=self._stops, **options,
        )  # fmt: skip
        return [result.hypotheses[0] for result in results]

    def encode(self, request: Translate) -> Encoding:
        """Raises InvalidRequest, Unsupported."""
        source = self._reader.read(request)
        search = self._search(request.options, source)
        inputs = [Piece([self._names[token] for token in row], search) for row in source.rows]
        return Encoding(inputs, [len(row) for row in source.rows], source.warnings, extra=source)

    def forward(self, inputs: list[Piece]) -> list[Translation]:
        return in_groups(inputs, lambda piece: piece.search, self._decoded)

    def outcome(self, request: Translate, encoding: Encoding, rows: list[Translation]) -> Translated:
        return translated(request, encoding, rows)

    def _decoded(self, pieces: list[Piece]) -> list[Translation]:
        """A search with beams calls nobody back, so it goes in parts, and what nobody wants any more is left out."""
        beams = dict(pieces[0].search.arguments)["beam_size"]
        if beams == 1:
            return self._searched(pieces, callback=self._stops)
        size = max(1, BEAM_ROWS // beams)
        found: list[Translation] = []
        for start in range(0, len(pieces), size):
            part = pieces[start : start + size]
            found += [UNWANTED] * len(part) if self._stops(None) else self._searched(part)
        return found

    def _searched(self, pieces: list[Piece], **more: Any) -> list[Translation]:
        batch, search = [piece.tokens for piece in pieces], pieces[0].search
        prefixes = [list(search.first)] * len(batch) if search.first else None
        results = self._translator.translate_batch(
            batch, prefixes, max_input_length=0, return_end_token=True, end_token=self._manifest.end_tokens or None,
            **dict(search.arguments), **more,
        )  # fmt: skip
        return [self._translation(result.hypotheses) for result in results]

    def _translation(self, hypotheses: list[list[str]]) -> Translation:
        best = hypotheses[0]
        ended = bool(best) and best[-1] in self._manifest.end_tokens
        return Translation([self._text(tokens) for tokens in hypotheses], len(best), cut=not ended)

    def _text(self, tokens: list[str]) -> str:
        return str(self._tokenizer.decode([self._ids[name] for name in tokens], skip_special_tokens=True))

    def _search(self, options: TranslationOptions, source: Source) -> Search:
        manifest, limit = self._manifest, self._limit(options, source)
        arguments = {
            "beam_size": options.num_beams or 1,
            "num_hypotheses": options.num_hypotheses or 1,
            "length_penalty": manifest.length_penalty if options.length_penalty is None else options.length_penalty,
            "no_repeat_ngram_size": _given(options.no_repeat_ngram_size, manifest.no_repeat_ngram_size),
            "repetition_penalty": options.repetition_penalty or manifest.repetition_penalty,
            "max_decoding_length": limit,
            "min_decoding_length": min(limit, _given(options.min_new_tokens, manifest.min_length)),
            **self._sampling(options),
        }
        suppressed = {"suppress_sequences": manifest.suppressed} if manifest.suppressed else {}
        return Search(tuple({**arguments, **suppressed}.items()), self._first(source))

    def _limit(self, options: TranslationOptions, source: Source) -> int:
        longest = (source.direction.limit or self._manifest.max_length or DEFAULT_LIMIT) - 1
        limit = min(options.max_new_tokens or longest, self._manifest.decoder_room or longest)
        check_minimum(options, limit)
        return self._before_end(limit)

    def _before_end(self, limit: int) -> int:
        """Where the last token that the limit allows is always the end, which the library would not put there."""
        return max(1, limit - 1) if self._manifest.forced_end else limit

    def _first(self, source: Source) -> tuple[str, ...]:
        """The tokens that the translation is made to begin with: the target language, or what the model's files force."""
        forced = list(source.direction.generation.values())
        return tuple(self._names[token] for token in forced) or tuple(self._manifest.forced_first)

    def _sampling(self, options: TranslationOptions) -> dict[str, Any]:
        if not options.temperature:
            return {}
        if options.seed is not None:
            raise Unsupported(model=self._name, reason="CTranslate2 draws without a seed; leave out seed")
        return {
            "sampling_temperature": options.temperature,
            "sampling_topk": options.top_k or ALL_TOKENS,
            "sampling_topp": options.top_p or 1.0,
        }


def _given(asked: int | None, otherwise: int) -> int:
    return otherwise if asked is None else asked
