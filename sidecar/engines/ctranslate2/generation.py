"""Text generation with a converted model: whole answers in batches, decoded by the library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sidecar.engines.base import Encoding
from sidecar.engines.ctranslate2.manifest import Manifest
from sidecar.engines.grouping import in_groups
from sidecar.engines.limits import room_warnings, stop_strings
from sidecar.engines.padded import Unpadded
from sidecar.engines.prompt_tokens import PromptReader
from sidecar.errors import Unsupported
from sidecar.runtime.protocol import Generate, Generated
from sidecar.types import Sampling

REPLACEMENT = "\ufffd"  # what decoders put where bytes of a character are missing
ALL_TOKENS = 0  # the library's word for drawing from the whole vocabulary

Search = tuple[tuple[str, Any], ...]
Decode = Callable[[list[list[str]], dict[str, Any]], list[list[str]]]


@dataclass(frozen=True)
class Question:
    """A prompt and how it is answered; those with the same `search` are answered together."""

    tokens: list[str]
    search: Search
    stops: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    text: str
    tokens: int
    ended: bool


class WholeGenerator(Unpadded):
    """`decode(prompts, options)` gives the answers' tokens, the end token included; `names` are the vocabulary's, by id."""

    def __init__(self, name: str, tokenizer: Any, manifest: Manifest, names: list[str], decode: Decode) -> None:
        self._name = name
        self._manifest = manifest
        self._reader = PromptReader(
            name,
            tokenizer,
            manifest.context_length,
            encoder_decoder=manifest.kind == "translator",
            room=manifest.decoder_room,
            beginning=None,
        )
        self._names = names
        self._ids = {token: index for index, token in enumerate(names)}
        self._decode = decode

    def encode(self, request: Generate) -> Encoding:
        """Raises ContextExceeded, InvalidRequest, Unsupported."""
        tokens, warnings = self._reader.read(request, request.sampling)
        limit = self._reader.limit(request.sampling, len(tokens))
        search = tuple(self._search(request.sampling, limit).items())
        question = Question([self._names[token] for token in tokens], search, tuple(stop_strings(request.sampling)))
        return Encoding([question], [len(tokens)], warnings + room_warnings(request.sampling, limit, len(tokens)))

    def forward(self, inputs: list[Question]) -> list[Written]:
        return in_groups(inputs, lambda question: question.search, self._answered)

    def outcome(self, request: Generate, encoding: Encoding, rows: list[Written]) -> Generated:
        (row,) = rows
        return Generated(
            finish_reason="stop" if row.ended else "length",
            prompt_tokens=encoding.tokens,
            completion_tokens=row.tokens,
            queue_ms=0.0,
            prefill_ms=0.0,
            decode_ms=0.0,
            warnings=encoding.warnings,
        )

    def _answered(self, questions: list[Question]) -> list[Written]:
        answers = self._decode([question.tokens for question in questions], dict(questions[0].search))
        return [self._written(question, found) for question, found in zip(questions, answers, strict=True)]

    def _search(self, sampling: Sampling, limit: int) -> dict[str, Any]:
        if sampling.min_p:
            raise Unsupported(model=self._name, reason="CTranslate2 knows no min_p; leave it out or set it to 0")
        options: dict[str, Any] = {"limit": limit, "repetition_penalty": sampling.repetition_penalty or 1.0}
        if not sampling.temperature:
            return options
        if sampling.seed is not None:
            raise Unsupported(model=self._name, reason="CTranslate2 draws without a seed; leave out seed")
        return options | {
            "sampling_temperature": sampling.temperature,
            "sampling_topk": sampling.top_k or ALL_TOKENS,
            "sampling_topp": sampling.top_p or 1.0,
        }

    def _written(self, question: Question, tokens: list[str]) -> Written:
        ended = bool(tokens) and tokens[-1] in self._manifest.end_tokens
        ids = [self._ids[token] for token in tokens]
        text = self._reader.decode(ids).rstrip(REPLACEMENT)  # a last character that never became whole
        cuts = [at for stop in question.stops if (at := text.find(stop)) >= 0]
        return Written(text[: min(cuts)] if cuts else text, len(tokens), ended or bool(cuts))
