"""Translation apart from its arithmetic: languages, pieces that fit the model, and the texts put together again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sidecar.engines.base import Encoding
from sidecar.engines.directions import Direction, family_of
from sidecar.engines.splitting import Layout, lay_out
from sidecar.engines.text_inputs import encode, encode_texts
from sidecar.errors import InvalidRequest
from sidecar.runtime.protocol import Translate, Translated
from sidecar.types import TranslationOptions


@dataclass(frozen=True)
class Source:
    """A request's texts as token lists: one row per piece, and how the pieces stand in the texts."""

    rows: list[list[int]]
    layouts: list[Layout]
    direction: Direction
    warnings: list[str] = field(default_factory=list)

    def join(self, pieces: list[str]) -> list[str]:
        """One text per text asked, from the translations of all pieces in order."""
        rest = iter(pieces)
        return [layout.assemble([next(rest) for _ in layout.pieces]) for layout in self.layouts]


class SourceReader:
    """Reads what is to be translated. `limit`: the tokens a model reads at once, None without end."""

    def __init__(self, name: str, config: Any, tokenizer: Any, limit: int | None) -> None:
        self._tokenizer = tokenizer
        self._limit = limit
        self._family = family_of(name, config, tokenizer)
        self.languages = self._family.languages

    def read(self, request: Translate) -> Source:
        """Raises Unsupported, InvalidRequest; with `truncate` what is too long is cut instead of split."""
        check_options(request.options)
        direction = self._family.direction(request.source_lang, request.target_lang)
        if direction.source is not None:
            self._tokenizer.src_lang = direction.source
        layouts = [self._layout(text, direction.prefix, request.truncate) for text in request.texts]
        texts = [direction.prefix + piece for layout in layouts for piece in layout.pieces]
        encoding = encode_texts(self._tokenizer, texts, None, limit=self._limit, truncate=request.truncate)
        rows = [row["input_ids"] for row in encoding.inputs]
        return Source(rows, layouts, direction, [*direction.warnings, *encoding.warnings])

    def _layout(self, text: str, prefix: str, truncate: bool) -> Layout:
        return Layout([text], ["", ""]) if truncate else lay_out(text, lambda part: self._fits(prefix + part))

    def _fits(self, text: str) -> bool:
        rows, _ = encode(self._tokenizer, [text], limit=None, truncate=False)
        return self._limit is None or len(rows[0]["input_ids"]) <= self._limit


def check_options(options: TranslationOptions) -> None:
    """Refuse what has no effect: nothing is ignored in silence. Raises InvalidRequest."""
    beams = options.num_beams or 1
    if beams == 1 and options.length_penalty is not None:
        raise InvalidRequest(reason="length_penalty has an effect only with num_beams above 1")
    if options.num_hypotheses is not None and (beams == 1 or options.num_hypotheses > beams):
        raise InvalidRequest(reason="num_hypotheses has an effect only with num_beams above 1, and at least as many")
    if beams > 1 and options.temperature:
        raise InvalidRequest(reason="temperature samples and num_beams searches; give one of them")
    sampling = {"top_k": options.top_k, "top_p": options.top_p, "seed": options.seed}
    given = [name for name, value in sampling.items() if value is not None]
    if given and not options.temperature:
        raise InvalidRequest(reason=f"{', '.join(given)} has an effect only with a temperature above 0")


def check_minimum(options: TranslationOptions, limit: int) -> None:
    """Raises InvalidRequest where a translation of at most `limit` tokens cannot be as long as it is asked to be."""
    if (options.min_new_tokens or 0) >= limit:
        raise InvalidRequest(
            reason=f"min_new_tokens {options.min_new_tokens} leaves no room for the end:"
            f" a translation has at most {limit} tokens"
        )


@dataclass(frozen=True)
class Translation:
    """Of one piece. `texts`: the best first; `tokens` are its, and `cut`: it did not end within the model's limit."""

    texts: list[str]
    tokens: int
    cut: bool


UNWANTED = Translation([""], 0, cut=False)  # in place of one that nobody waits for any more


def translated(request: Translate, encoding: Encoding, rows: list[Translation]) -> Translated:
    """The answer to a request, from the translations of its pieces in order; `encoding.extra` is their Source.

    The second hypothesis of a text in several pieces is made of their second ones, and so on.
    """
    asked = request.options.num_hypotheses
    ranked = [encoding.extra.join([row.texts[rank] for row in rows]) for rank in range(asked or 1)]
    return Translated(
        texts=ranked[0],
        prompt_tokens=encoding.tokens,
        completion_tokens=sum(row.tokens for row in rows),
        warnings=[*encoding.warnings, *cut_warning(sum(row.cut for row in rows), len(rows))],
        hypotheses=[list(texts) for texts in zip(*ranked, strict=True)] if asked else [],
    )


def cut_warning(cut: int, pieces: int) -> list[str]:
    return [f"{cut} of {pieces} translations were cut at the model's length limit."] if cut else []
