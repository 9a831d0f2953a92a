"""Markdown as it streams in, turned into a flat list of pieces that widgets can show. Pure: no Qt here.

Raw HTML is never interpreted, nothing is ever fetched, and only http, https and mailto addresses become links.

Streaming is cheap because of one fact of CommonMark: text that arrives later can only change the last top-level block,
or in a list the last item. Everything before is settled and never parsed again. (The one exception, a link reference
defined after its use, shows as the brackets that were typed.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

LINK_SCHEMES = ("http", "https", "mailto")
# What costs more to parse or lay out than a turn of the event loop allows is shown as plain text, which says so. Inline
# parsing is quadratic in the delimiters, laying out a table in its cells; no honest answer comes near these limits.
DELIMITERS = "[]*_~`<!&\\"
MAX_DELIMITERS = 600
MAX_INLINE = 40_000
MAX_CELLS = 240
MAX_UNIT = 20_000
MAX_PIECES = 150
LONG_PARAGRAPH = 4_000
MANY_SPANS = 100
TOO_MANY_MARKS = " (shown as plain text: too many marks in one paragraph)"
TOO_BIG = "shown as plain text: too large to lay out"

_BARE_ADDRESS = re.compile(r"https?://[^\s<>\"'`)\]]*[^\s<>\"'`)\].,:;!?]")


@dataclass(frozen=True)
class Span:
    """A run of text in one manner; `link` is its target, already checked against LINK_SCHEMES."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    muted: bool = False
    link: str = ""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, heading (`level` 1 to 6) or list item (`marker`); `indent` counts lists, `quote` counts quotations."""

    spans: tuple[Span, ...]
    indent: int = 0
    marker: str = ""
    level: int = 0
    quote: int = 0


@dataclass(frozen=True)
class Code:
    """A code block; `closed` is False while its end has not arrived."""

    text: str
    language: str = ""
    indent: int = 0
    closed: bool = True


@dataclass(frozen=True)
class Table:
    """Rows of cells, the first row being the header; `align` holds "left", "center" or "right" for each column."""

    rows: tuple[tuple[tuple[Span, ...], ...], ...]
    align: tuple[str, ...]
    indent: int = 0


@dataclass(frozen=True)
class Rule:
    """A horizontal rule."""

    indent: int = 0


Piece = Paragraph | Code | Table | Rule


def parse(source: str) -> list[Piece]:
    """All pieces of a whole text."""
    document = Document()
    document.append(source)
    return document.pieces


class Document:
    """A Markdown text that grows at its end; `pieces` is always what the text so far amounts to."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._settled = 0  # so many pieces can no longer change
        self._tail = ""  # the source of the others
        self._resume: _Resume | None = None
        self._references: dict[str, object] = {}
        self._plain = False  # the last block is too big to be laid out: its source is shown, up to the next empty line

    def append(self, text: str) -> int:
        """Add `text`; returns the index of the first piece that is new or different now."""
        if self._plain:
            return self._extend_plain(text)
        first = self._extend_open_code(text)
        return self._reparse(text) if first is None else first

    def _extend_open_code(self, text: str) -> int | None:
        """Inside an unfinished code block, text without a fence needs no parsing at all."""
        if (
            "`" in text
            or "~" in text
            or "\r" in text
            or len(self.pieces) != self._settled + 1
            or "\n" not in self._tail
        ):
            return None
        last = self.pieces[-1]
        if not isinstance(last, Code) or last.closed or last.indent:
            return None
        self._tail += text
        self.pieces[-1] = replace(last, text=last.text + text)
        return self._settled

    def _reparse(self, text: str) -> int:
        self._tail += text
        units = list(_units(self._tail, self._references, self._resume))
        if not units and len(self._tail) > MAX_UNIT:
            self._tail = ""  # definitions of links only, which are remembered
        for number, unit in enumerate(units):
            if _too_big(unit, len(self._tail)):
                return self._begin_plain(units[:number], unit.line)
        fresh = [piece for unit in units for piece in unit.pieces]
        first = self._settled + _same(self.pieces[self._settled :], fresh)
        self.pieces[self._settled :] = fresh
        if units:
            self._settled += len(fresh) - len(units[-1].pieces)
            self._tail = "".join(self._tail.splitlines(keepends=True)[units[-1].line :])
            self._resume = units[-1].resume
        return first

    def _begin_plain(self, before: Sequence[_Unit], line: int) -> int:
        """Settle the units `before`, and show the tail's source from `line` on as it is."""
        first = self._settled
        self.pieces[first:] = [piece for unit in before for piece in unit.pieces]
        self._settled = len(self.pieces)
        self.pieces.append(Code("", TOO_BIG, closed=False))
        source = "".join(self._tail.splitlines(keepends=True)[line:])
        self._tail, self._resume, self._plain = "", None, True
        self._extend_plain(source)
        return first

    def _extend_plain(self, text: str) -> int:
        """Add to the source that is shown; an empty line ends it, and what follows is Markdown again."""
        last, first = self.pieces[-1], self._settled
        if not isinstance(last, Code):
            raise TypeError("plain text is shown as code")
        shown, gap, rest = f"{last.text}{text}".partition("\n\n")
        self.pieces[-1] = replace(last, text=shown, closed=bool(gap))
        if gap:
            self._plain = False
            self._settled = len(self.pieces)
            self.append(rest)
        return first


@dataclass(frozen=True)
class _Resume:
    """How the numbering goes on if the tail begins with an item of the list that was going on before it."""

    number: int
    delimiter: str


@dataclass(frozen=True)
class _Unit:
    """A top-level block, or one item of a top-level list: the smallest part that later text may still change."""

    line: int
    pieces: list[Piece]
    resume: _Resume | None = None


@dataclass
class _Place:
    """Where in lists and quotations the walk over the tokens stands."""

    indent: int = 0
    quote: int = 0
    marker: str = ""
    counters: list[int | None] = field(default_factory=list)

    def next_marker(self) -> str:
        """The marker of the next item of the innermost list."""
        number = self.counters[-1]
        if number is None:
            return "•"
        self.counters[-1] = number + 1
        return f"{number}."

    def take_marker(self) -> str:
        """The marker of the item just begun, once."""
        marker, self.marker = self.marker, ""
        return marker


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline"])
    parser.core.ruler.disable("inline")  # done piece by piece in `_spans`, behind a guard
    return parser


_PARSER = _parser()


def _units(source: str, references: dict[str, object], resume: _Resume | None) -> Iterator[_Unit]:
    """Split `source` into units; `resume` continues a numbering that began before `source`."""
    source = "\n".join(source.splitlines()) + ("\n" if source.endswith("\n") else "")
    lines = source.split("\n")
    for block in _top_level(_PARSER.parse(source, references)):
        if block[0].type not in ("bullet_list_open", "ordered_list_open"):
            # What looks like a paragraph now ("3") may yet become the list's next item ("3. …"): keep `resume` with it.
            yield _Unit(_line(block), list(_pieces(block, lines, references, _Place())), resume)
            resume = None
            continue
        resume = _list_start(block[0], resume)
        for item in _top_level(block[1:-1]):
            place = _Place(indent=1, marker=f"{resume.number}." if resume else "•")
            yield _Unit(_line(item), list(_pieces(item[1:-1], lines, references, place)), resume)
            resume = replace(resume, number=resume.number + 1) if resume else None


def _too_big(unit: _Unit, length: int) -> bool:
    """Whether a unit in a tail of `length` characters would hold up the window; fences and plain paragraphs never do."""
    if any(isinstance(piece, Table) and len(piece.rows) * len(piece.align) > MAX_CELLS for piece in unit.pieces):
        return True
    simple = all(isinstance(piece, Paragraph) and not piece.quote and not piece.indent for piece in unit.pieces)
    fenced = len(unit.pieces) == 1 and isinstance(unit.pieces[0], Code)
    return len(unit.pieces) > 1 and (length > MAX_UNIT or len(unit.pieces) > MAX_PIECES) and not simple and not fenced


def _list_start(token: Token, resume: _Resume | None) -> _Resume | None:
    """Where the numbering of a list begins; None for bullets."""
    if token.type == "bullet_list_open":
        return None
    if resume and resume.delimiter == token.markup:
        return resume
    return _Resume(int(token.attrs.get("start", 1)), token.markup)


def _top_level(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Group tokens into whole blocks of the outermost level."""
    block: list[Token] = []
    depth = 0
    for token in tokens:
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


def _line(block: Sequence[Token]) -> int:
    return block[0].map[0] if block[0].map else 0


def _pieces(tokens: Sequence[Token], lines: list[str], references: dict[str, object], place: _Place) -> Iterator[Piece]:
    level = 0
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token.type == "heading_open":
            level = int(token.tag[1])
        elif token.type == "heading_close":
            level = 0
        elif token.type == "inline":
            yield from _paragraphs(_spans(token.content, references), place, level)
        elif token.type == "table_open":
            end = next(i for i in range(position, len(tokens)) if tokens[i].type == "table_close")
            yield from _empty_item(place)
            yield _table(tokens[position:end], references, place.indent)
            position = end + 1
        elif token.type in ("fence", "code_block"):
            yield from _empty_item(place)
            yield _code(token, lines, place.indent)
        elif token.type == "hr":
            yield Rule(place.indent)
        else:
            yield from _enter_or_leave(token, place)
    yield from _empty_item(place)


def _paragraphs(spans: tuple[Span, ...], place: _Place, level: int) -> Iterator[Piece]:
    """One paragraph, or several where it is so long that laying it out again with every word would be felt."""
    part: list[Span] = []
    length = 0
    for span in spans:
        for start in range(0, len(span.text), LONG_PARAGRAPH):
            piece = replace(span, text=span.text[start : start + LONG_PARAGRAPH])
            part.append(piece)
            length += len(piece.text)
            if length >= LONG_PARAGRAPH or len(part) >= MANY_SPANS:
                yield Paragraph(tuple(part), place.indent, place.take_marker(), level, place.quote)
                part, length = [], 0
    if part or not spans:
        yield Paragraph(tuple(part), place.indent, place.take_marker(), level, place.quote)


def _enter_or_leave(token: Token, place: _Place) -> Iterator[Piece]:
    if token.type in ("bullet_list_open", "ordered_list_open"):
        yield from _empty_item(place)
        place.indent += 1
        place.counters.append(int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None)
    elif token.type in ("bullet_list_close", "ordered_list_close"):
        place.indent -= 1
        place.counters.pop()
    elif token.type == "list_item_open":
        place.marker = place.next_marker()
    elif token.type == "list_item_close":
        yield from _empty_item(place)
    elif token.type in ("blockquote_open", "blockquote_close"):
        place.quote += token.nesting


def _empty_item(place: _Place) -> Iterator[Piece]:
    """An item that begins with something other than a paragraph still shows its marker."""
    if place.marker:
        yield Paragraph((), place.indent, place.take_marker(), 0, place.quote)


def _code(token: Token, lines: list[str], indent: int) -> Code:
    language = token.info.split()[0] if token.info.strip() else ""
    if token.type == "code_block" or token.map is None:
        return Code(token.content.rstrip("\n"), "", indent)
    last = lines[token.map[1] - 1].strip(" \t>") if token.map[1] - 1 > token.map[0] else ""
    closed = len(last) >= len(token.markup) and set(last) == set(token.markup)
    content = token.content if not closed and indent == 0 else token.content.removesuffix("\n")
    if not closed and lines[-1] != "" and indent == 0:
        content = content.removesuffix("\n")  # the parser ends every line; this one has not ended yet
    return Code(content, language, indent, closed)


def _table(tokens: Sequence[Token], references: dict[str, object], indent: int) -> Table:
    rows: list[list[tuple[Span, ...]]] = []
    align: list[str] = []
    too_big = sum(token.type == "inline" for token in tokens) > MAX_CELLS  # its cells are not shown: see `_too_big`
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "th_open":
            align.append(str(token.attrs.get("style", "text-align:left")).removeprefix("text-align:"))
        elif token.type == "inline":
            rows[-1].append((Span(token.content),) if too_big else _spans(token.content, references))
    return Table(tuple(tuple(row) for row in rows), tuple(align), indent)


def _same(old: Sequence[Piece], new: Sequence[Piece]) -> int:
    """How many pieces at the beginning of both are equal."""
    count = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        count += 1
    return count


def _spans(content: str, references: dict[str, object]) -> tuple[Span, ...]:
    if len(content) > MAX_INLINE or sum(map(content.count, DELIMITERS)) > MAX_DELIMITERS:
        return (Span(content), Span(TOO_MANY_MARKS, muted=True))
    tokens: list[Token] = []
    _PARSER.inline.parse(content, _PARSER, references, tokens)
    return tuple(_merged(_styled(tokens)))


def _switched(style: Span, kind: str, on: bool) -> Span:
    if kind == "strong":
        return replace(style, bold=on)
    return replace(style, italic=on) if kind == "em" else replace(style, strike=on)


def _styled(tokens: Sequence[Token]) -> Iterator[Span]:
    style = Span("")
    for token in tokens:
        kind = token.type.rpartition("_")[0]
        if kind in ("strong", "em", "s"):
            style = _switched(style, kind, token.nesting == 1)
        elif token.type == "text":
            yield from _with_bare_addresses(replace(style, text=token.content))
        elif token.type in ("softbreak", "hardbreak"):
            yield replace(style, text=" " if token.type == "softbreak" else "\n")
        elif token.type == "code_inline":
            yield replace(style, text=token.content, code=True)
        elif token.type == "image":
            yield from _image(token, style)
        elif token.type == "link_open":
            style = replace(style, link=str(token.attrs.get("href", "")))
        elif token.type == "link_close":
            yield from _end_of_link(style)
            style = replace(style, link="")


def _with_bare_addresses(span: Span) -> Iterator[Span]:
    if span.link:
        yield span if is_link(span.link) else replace(span, link="")
        return
    end = 0
    for match in _BARE_ADDRESS.finditer(span.text):
        if match.start() > end:
            yield replace(span, text=span.text[end : match.start()])
        yield replace(span, text=match.group(), link=match.group())
        end = match.end()
    if end < len(span.text):
        yield replace(span, text=span.text[end:])


def _end_of_link(style: Span) -> Iterator[Span]:
    """A target that must not be opened is at least shown."""
    if not is_link(style.link):
        yield replace(style, text=f" ({style.link})", link="", muted=True)


def _image(token: Token, style: Span) -> Iterator[Span]:
    """Images are never loaded: their description and their address stand in for them."""
    target = str(token.attrs.get("src", ""))
    yield replace(style, text=token.content or "image", link=target if is_link(target) else "")
    yield replace(style, text=f" ({target})", link="", muted=True)


def _merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Join neighbours of the same manner, so that equal texts make equal pieces."""
    held: Span | None = None
    for span in spans:
        if not span.text:
            continue
        if held is not None and replace(held, text="") == replace(span, text=""):
            held = replace(held, text=held.text + span.text)
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def is_link(target: str) -> bool:
    """Whether a target may become a link: an http, https or mailto address."""
    try:
        return urlsplit(target).scheme.lower() in LINK_SCHEMES
    except ValueError:
        return False
