"""Texts that are longer than a model reads: cut at sentence ends, and put together again with their paragraphs as they were.

Nothing is lost: the pieces and the gaps between them are, joined, the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Fits = Callable[[str], bool]

# A cut is made behind each match. Scripts without spaces end sentences without one.
SENTENCES = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？｡؟۔।॥။።]+[\"'”’»」』）)\]]*")
CLAUSES = re.compile(r"[,;:—–](?=\s)|[，、；：،؛]")
WORDS = re.compile(r"\s+")
LINE_BREAKS = re.compile(r"(\s*\n\s*)")


@dataclass(frozen=True)
class Layout:
    """A text as pieces to translate and what stands around them: `gaps[i]` before piece i, the last one after all."""

    pieces: list[str]
    gaps: list[str]

    def assemble(self, translated: list[str]) -> str:
        """The text with every piece replaced. Raises ValueError when their number is not that of the pieces."""
        inner = [text.strip() + gap for text, gap in zip(translated, self.gaps[1:], strict=True)]
        return self.gaps[0] + "".join(inner)


def lay_out(text: str, fits: Fits) -> Layout:
    """Paragraph by paragraph; one that does not fit sentence by sentence, and a sentence that does not in parts that do."""
    pieces: list[str] = []
    gaps = [""]
    for part in LINE_BREAKS.split(text):
        for piece in _parts(part, fits):
            body = piece.strip()
            before, _, after = piece.partition(body) if body else (piece, "", "")
            gaps[-1] += before
            if body:
                pieces.append(body)
                gaps.append(after)
    return Layout(pieces, gaps) if pieces else Layout([text], ["", ""])


def _parts(paragraph: str, fits: Fits) -> Iterator[str]:
    if fits(paragraph):
        yield paragraph
        return
    for sentence in _cut(paragraph, SENTENCES):
        yield from _packed(sentence, fits, [CLAUSES, WORDS])


def _packed(text: str, fits: Fits, levels: list[re.Pattern[str]]) -> Iterator[str]:
    """As few parts as fit, cut at the first level that does it; without any level, in halves."""
    if fits(text) or len(text) < 2:
        yield text
        return
    finer = levels[1:]
    held = ""
    for part in _cut(text, levels[0]) if levels else _halves(text):
        if held and fits(held + part):
            held += part
            continue
        if held:
            yield from _packed(held, fits, finer)
        held = part
    yield from _packed(held, fits, finer)


def _cut(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Consecutive parts of the text, each ending with a match and the white space behind it."""
    start = 0
    for match in pattern.finditer(text):
        end = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _halves(text: str) -> Iterator[str]:
    middle = len(text) // 2
    yield text[:middle]
    yield text[middle:]
