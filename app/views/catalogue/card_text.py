"""A model card made fit to be shown: the HTML that cards are laid out with is taken away, its words stay. Pure.

Nothing of a card is ever interpreted: what is left is Markdown, which `app.markdown` shows without loading anything.
"""

from __future__ import annotations

import re

LONGEST = 40_000  # characters; who wants to read more reads it on the hub
CUT = "\n\n*The rest of the card is on the model's page on the hub.*"
_FENCE = re.compile(r"^(```|~~~)", re.MULTILINE)
_UNREAD = [
    (re.compile(begin, re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for begin, end in (("<!--", "-->"), ("<style", "</style>"), ("<script", "</script>"), ("<svg", "</svg>"))
]
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]{0,2000})?/?>")
_BADGE = re.compile(r"\[?!\[([^\[\]\n]{0,200})\]\([^)\n]{0,1000}\)(?:\]\([^)\n]{0,1000}\))?")
_INDENT = re.compile(r"^[ \t]{4,}(?![-*+]|\d)", re.MULTILINE)  # what HTML was indented with would become code
_GAPS = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def readable(card: str) -> str:
    """The card's Markdown without HTML and pictures, cut where it is too long. Code stays as it is."""
    text = card[:LONGEST] + (CUT if len(card) > LONGEST else "")
    pieces = _FENCE.split(text)
    inside = False
    kept: list[str] = []
    for piece in pieces:
        if piece in ("```", "~~~"):
            inside = not inside
            kept.append(piece)
        else:
            kept.append(piece if inside else _without_html(piece))
    return "".join(kept).strip()


def _without_html(text: str) -> str:
    for begin, end in _UNREAD:
        text = _without(text, begin, end)
    text = _BREAK.sub("\n", text)
    text = _TAG.sub("", text)
    text = _BADGE.sub("", text)
    return _GAPS.sub("\n\n", _INDENT.sub("", text))


def _without(text: str, begin: re.Pattern[str], end: re.Pattern[str]) -> str:
    """Without what stands from each `begin` to the next `end`. In one pass: a card may have thousands without an end."""
    kept, place = [], 0
    while (start := begin.search(text, place)) and (stop := end.search(text, start.end())):
        kept.append(text[place : start.start()])
        place = stop.end()
    return "".join([*kept, text[place:]])
