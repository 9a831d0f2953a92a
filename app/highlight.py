"""Which part of a source text is a keyword, a string, a comment…, by Pygments. Pure: colours are named by token role."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

USUAL_LANGUAGES = ("python", "javascript", "bash", "json", "html")
MAX_LINE = 2_000  # lexers are built on regular expressions; a hostile line must not keep one busy


@dataclass(frozen=True)
class Mark:
    """A stretch of one line, in characters: in which token colour, and whether bold or italic."""

    start: int
    length: int
    role: str
    bold: bool = False
    italic: bool = False


_ROLES: tuple[tuple[_TokenType, str, bool, bool], ...] = (
    (Comment, "muted", False, True),
    (String, "ok_text", False, False),
    (Number, "warning_text", False, False),
    (Keyword.Type, "text", False, False),
    (Keyword, "accent_text", False, False),
    (Name.Function, "text", True, False),
    (Name.Class, "text", True, False),
    (Name.Tag, "accent_text", False, False),
    (Name.Attribute, "warning_text", False, False),
    (Name.Decorator, "warning_text", False, False),
)


def highlight(text: str, language: str) -> list[tuple[Mark, ...]]:
    """Marks for every line of `text`; lines of an unknown language, or a very long line, make everything plain."""
    return list(highlight_lines(text, language))


def highlight_lines(text: str, language: str) -> Iterator[tuple[Mark, ...]]:
    """The same, line after line: each costs its own time only, so that a long text can be done in slices."""
    lines = text.split("\n")
    lexer = _lexer(language)
    if lexer is None or max(map(len, lines)) > MAX_LINE:
        yield from [()] * len(lines)
        return
    line, marks = 0, list[Mark]()
    for at, mark in _marks(lexer, text):
        while line < at:
            yield tuple(marks)
            line, marks = line + 1, []
        marks.append(mark)
    yield tuple(marks)
    yield from [()] * (len(lines) - line - 1)


def load_usual_languages() -> None:
    """Make the lexers that answers need most; each costs up to a twentieth of a second. May be done in any thread."""
    for language in USUAL_LANGUAGES:
        highlight("x", language)


def _marks(lexer: Lexer, text: str) -> Iterator[tuple[int, Mark]]:
    line = column = 0
    for kind, value in lexer.get_tokens(text):
        style = _style(kind)
        for number, part in enumerate(value.split("\n")):
            if number:
                line, column = line + 1, 0
            if part and style:
                role, bold, italic = style
                yield line, Mark(column, len(part), role, bold, italic)
            column += len(part)


def _style(kind: _TokenType) -> tuple[str, bool, bool] | None:
    for family, role, bold, italic in _ROLES:
        if family == kind[: len(family)]:
            return role, bold, italic
    return None


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    """The lexer for a language as a model names it, or None."""
    if not language:
        return None
    try:
        return get_lexer_by_name(language.lower(), stripnl=False)
    except ClassNotFound:
        return None
