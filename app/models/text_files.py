"""Reads a list of texts from a TXT file (one per line) or a CSV file (one column of it), in short turns.

The bytes come from the disk in a thread; decoding and parsing happen in slices. It writes nothing.
"""

import asyncio
import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.models.pacing import Pacer
from app.models.result_list import TextList

LIMIT_MB = 100
TABLE_SUFFIXES = (".csv", ".tsv")
SUFFIXES = (".txt", ".md", *TABLE_SUFFIXES)
LIKELY_COLUMNS = ("text", "texts", "review", "comment", "message", "sentence", "content", "body", "feedback", "title")
MEGABYTE = 1024 * 1024
SAMPLE_CHARACTERS = 4096
CHUNK_ROWS = 256


class UnreadableFile(Exception):
    """A file that cannot be used as a list; the message says why and what to do."""


@dataclass(frozen=True)
class TextFile:
    """A file's bytes and what was found out about it. `columns` is empty for a plain list."""

    path: Path
    content: bytes
    encoding: str
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    has_header: bool = False
    column: int = 0

    def with_header(self, has_header: bool) -> "TextFile":
        """The same file, its first row taken as names or as a row like the others."""
        rows = csv.reader(io.StringIO(_sample(self.content, self.encoding), newline=""), delimiter=self.delimiter)
        return replace(self, columns=_columns(next(rows), has_header), has_header=has_header)


async def open_text_file(path: Path) -> TextFile:
    """Read a file and guess its encoding, delimiter, header and text column. Raises UnreadableFile."""
    content = await asyncio.to_thread(_read, path)
    encoding = await _encoding_of(content)
    if path.suffix.lower() not in TABLE_SUFFIXES:
        return TextFile(path, content, encoding)
    return _describe_table(path, content, encoding)


async def read_texts(file: TextFile) -> TextList:
    """The texts of the file, or of its chosen column. Blank ones are left out. Raises UnreadableFile."""
    stream = io.TextIOWrapper(io.BytesIO(file.content), encoding=file.encoding, errors="replace", newline="")
    texts, numbers, total = await (_collect_column(file, stream) if file.columns else _collect(stream))
    if not texts:
        raise UnreadableFile(f"{file.path.name} holds no text there. Choose another column or another file.")
    column = file.columns[file.column] if file.columns else ""
    return TextList(file.path.name, texts, numbers, column, _notes(total - len(texts), file.encoding))


async def read_lines(name: str, text: str) -> TextList:
    """The lines of a text that are not blank. Raises UnreadableFile when all of them are."""
    texts, numbers, total = await _collect(io.StringIO(text))
    if not texts:
        raise UnreadableFile(f"{name} holds no text. Write or paste one text per line.")
    return TextList(name, texts, numbers, notes=_notes(total - len(texts)))


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LIMIT_MB * MEGABYTE:
            raise UnreadableFile(
                f"{path.name} has {size / MEGABYTE:,.0f} MB; at most {LIMIT_MB} MB can be opened. Split it into parts."
            )
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path.name} cannot be opened: {error.strerror or error}.") from error


async def _encoding_of(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    pacer = Pacer()
    try:
        for start in range(0, len(content), MEGABYTE):
            decoder.decode(content[start : start + MEGABYTE])
            await pacer.breathe()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _describe_table(path: Path, content: bytes, encoding: str) -> TextFile:
    sample = _sample(content, encoding)
    delimiter = _delimiter(path, sample)
    try:
        rows = list(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))[:50]
    except csv.Error as error:
        raise UnreadableFile(f"{path.name} is not a CSV file: {error}. Save it as CSV or TXT and try again.") from error
    rows = [row for row in rows if row]
    if not rows:
        raise UnreadableFile(f"{path.name} holds no rows. Choose a file with one text per row.")
    has_header = _looks_like_header(rows)
    columns = _columns(rows[0], has_header)
    return TextFile(path, content, encoding, delimiter, columns, has_header, _text_column(rows, has_header))


def _sample(content: bytes, encoding: str) -> str:
    """The file's beginning; cut where it falls, in the middle of a row too: only to be looked at."""
    return content[: 4 * SAMPLE_CHARACTERS].decode(encoding, errors="ignore")[:SAMPLE_CHARACTERS]


def _columns(first: Sequence[str], has_header: bool) -> tuple[str, ...]:
    return tuple(first) if has_header else tuple(f"{number}" for number in range(1, len(first) + 1))


def _delimiter(path: Path, sample: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    try:
        return csv.Sniffer().sniff(sample, delimiters=",;\t|").delimiter
    except csv.Error:
        first = sample.partition("\n")[0]
        return max(",;\t|", key=first.count)


def _looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """A header has short, different, non-numeric names, and one of them is a usual one or the rows below look unlike."""
    names = [name.strip() for name in rows[0]]
    if len(set(names)) < len(names) or any(not name or len(name) > 40 or _is_number(name) for name in names):
        return False
    if any(name.casefold() in LIKELY_COLUMNS for name in names):
        return True
    below = rows[1:]
    if not below:
        return False
    has_numbers = any(_is_number(cell.strip()) for row in below for cell in row)
    longest = max((len(cell) for row in below for cell in row), default=0)
    return has_numbers or longest > 3 * max(map(len, names))


def _text_column(rows: Sequence[Sequence[str]], has_header: bool) -> int:
    names = [name.strip().casefold() for name in rows[0]] if has_header else []
    for likely in LIKELY_COLUMNS:
        if likely in names:
            return names.index(likely)
    below = rows[1:] if has_header and len(rows) > 1 else rows
    lengths = [sum(len(row[index]) for row in below if index < len(row)) for index in range(len(rows[0]))]
    return max(range(len(lengths)), key=lengths.__getitem__)


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


async def _collect_column(file: TextFile, stream: Iterable[str]) -> tuple[list[str], list[int], int]:
    rows = csv.reader(stream, delimiter=file.delimiter)
    if file.has_header:
        next(rows)
    try:
        return await _collect(row[file.column] if file.column < len(row) else "" for row in rows)
    except csv.Error as error:
        raise UnreadableFile(
            f"{file.path.name} cannot be read beyond line {rows.line_num}: {error}. "
            "Often a quotation mark is missing there; correct the line and open the file again."
        ) from error


async def _collect(cells: Iterable[str]) -> tuple[list[str], list[int], int]:
    """The texts that are not blank, the number of each, and how many there were with the blank ones."""
    texts: list[str] = []
    numbers: list[int] = []
    pacer = Pacer()
    total = 0
    for total, cell in enumerate(cells, 1):
        text = cell.strip()
        if text:
            texts.append(text)
            numbers.append(total)
        if total % CHUNK_ROWS == 0:
            await pacer.breathe()
    return texts, numbers, total


def _notes(blank: int, encoding: str = "") -> tuple[str, ...]:
    notes = []
    if blank:
        notes.append(f"{blank:,} blank rows left out" if blank > 1 else "1 blank row left out")
    if encoding == "cp1252":
        notes.append("not UTF-8, read as Windows-1252")
    return tuple(notes)
