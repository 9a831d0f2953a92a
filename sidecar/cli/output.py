"""What the commands print: answers on stdout, as tables or JSON; progress on stderr, as a bar or, where nobody sees one, in lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
LINE_EVERY_SECONDS = 10.0


def say(text: str, *, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def note(text: str) -> None:
    """Something beside the answer, on stderr."""
    sys.stderr.write(text + "\n")


def say_json(value: Any) -> None:
    """One line of JSON."""
    say(msgspec.json.encode(value).decode())


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned columns; a dash where there is nothing."""
    from rich.console import Console
    from rich.table import Table

    made = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    width = None if sys.stdout.isatty() else 1000  # what is read by a program is not wrapped
    Console(width=width, highlight=False, markup=False).print(made)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def counted(batches: Sequence[T], what: str) -> Iterator[T]:
    """The batches one by one, with a progress bar."""
    if not sys.stderr.isatty() or len(batches) < 2:
        yield from batches
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(batches, what, console=Console(stderr=True))


@contextmanager
def progress(what: str) -> Iterator[Callable[[str, float], None]]:
    """A bar while the block runs, moved by calling `show(stage, done)`, `done` from 0 to 1; without a terminal, lines."""
    if not sys.stderr.isatty():
        yield _Lines(what)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda stage, done: bar.update(task, completed=done, description=f"{what}: {stage}")


class _Lines:
    """Says at once what begins, and now and then how it stands."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said_at = time.monotonic()
        note(what)

    def __call__(self, stage: str, done: float) -> None:
        if time.monotonic() - self._said_at >= LINE_EVERY_SECONDS:
            self._said_at = time.monotonic()
            note(f"{self._what}: {done:.0%}, {stage}")


def size(megabytes: float | None) -> str:
    if megabytes is None:
        return "-"
    if 0 < megabytes < 1:
        return f"{max(1, round(megabytes * 1024))} KB"
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.0f} MB"


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
