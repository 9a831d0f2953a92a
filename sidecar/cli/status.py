"""What the commands share before any library of the command line is imported: their common options and exit status.

Exit status: 0 done · 1 failed · 2 wrong usage · 3 already running, or in conflict with what is · 4 no service is running ·
130 interrupted.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from sidecar.errors import AlreadyRunning, Conflict, InglenookError, InvalidRequest, ServiceUnreachable
from sidecar.paths import Paths

FAILED, CONFLICT, NOT_RUNNING, INTERRUPTED = 1, 3, 4, 130


class Options(Struct, frozen=True):
    """What every command takes, before or after its name."""

    data_dir: Path | None = None
    as_json: bool = False

    @property
    def paths(self) -> Paths:
        return Paths.resolve(self.data_dir)


@contextlib.contextmanager
def reported(options: Options) -> Iterator[None]:
    """An error in the block is told on stderr and becomes the exit status. Raises SystemExit."""
    try:
        yield
    except InglenookError as error:
        tell(options, error)
        raise SystemExit(status_of(error)) from error
    except UnicodeError as error:
        if getattr(error, "encoding", None) != "utf-8":  # of a terminal that cannot show what is printed
            raise
        tell(options, InvalidRequest("What was given is not text in UTF-8. Convert it first."))
        raise SystemExit(FAILED) from error
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who read our output has left: say no more
        raise SystemExit(FAILED) from None


def status_of(error: InglenookError) -> int:
    if isinstance(error, AlreadyRunning | Conflict):
        return CONFLICT
    return NOT_RUNNING if isinstance(error, ServiceUnreachable) else FAILED


def tell(options: Options, error: InglenookError) -> None:
    """One line on stderr, in JSON if that was asked for."""
    as_json = {"error": error.to_wire()}
    text = (
        msgspec.json.encode(as_json, enc_hook=str).decode() if options.as_json else error.message + _on_this_line(error)
    )
    sys.stderr.write(text + "\n")


def _on_this_line(error: InglenookError) -> str:
    """How a permission that is asked for is given here."""
    permission = error.details.get("permission")
    return f" On the command line: --allow {permission}" if permission else ""


def command_word(words: list[str]) -> str | None:
    """The name of the command: the first word that is neither a shared option nor its value."""
    rest = iter(words)
    for word in rest:
        if word == "--data-dir":
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return None
