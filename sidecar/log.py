"""Where logs go: JSON lines in a rotating file, and plain words on stderr. The only place that configures logging.

Modules log with `logging.getLogger(__name__)`; fields go in `extra`. Writing happens in a thread of its own, so that a
slow disk does not hold up the event loop. Nothing here ever sees a prompt.
"""

from __future__ import annotations

import logging
import queue
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

FILE_BYTES = 5_000_000
FILES_KEPT = 5
FILE_NAME = "sidecar.log"
GATHER_S = 0.1
_CONSOLE_FIELDS = ("method", "path", "status", "ms", "request_id")
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}  # what is no field of `extra`


@contextmanager
def to_folder(folder: Path, level: str) -> Iterator[None]:
    """Log there for as long as the block lasts; what is queued is written before it ends. Raises OSError."""
    file = RotatingFileHandler(folder / FILE_NAME, maxBytes=FILE_BYTES, backupCount=FILES_KEPT - 1, encoding="utf-8")
    file.setFormatter(_JsonLines())
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(_PlainWords())
    console.setLevel(logging.INFO if sys.stderr.isatty() else logging.WARNING)
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    sender = _Sender(lines)
    listener = _Listener(lines, file, console, respect_handler_level=True)
    root = logging.getLogger()
    root.addHandler(sender)
    root.setLevel(level.upper())
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(sender)
        listener.stop()
        file.close()


class _Listener(QueueListener):
    """Writes what gathered in a moment at once: a thread that woke for every line would take turns with each request."""

    def dequeue(self, block: bool) -> logging.LogRecord:
        if self.queue.empty():  # type: ignore[attr-defined]  # the standard library declares less than it uses
            record = super().dequeue(block)
            time.sleep(GATHER_S)
            return record
        return super().dequeue(block)


class _Sender(QueueHandler):
    """Hands records over as they are: both ends are in one process, and formatting belongs to the writing thread."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


class _JsonLines(logging.Formatter):
    """One JSON object a line: the fields of `extra`, then what happened, how grave it is, where and when."""

    def format(self, record: logging.LogRecord) -> str:
        line = _extra(record) | {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class _PlainWords(logging.Formatter):
    """`10:21:07 warning  the message  field=value`, and the traceback below it if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%H:%M:%S", time.gmtime(record.created))
        extra = _extra(record)
        fields = " ".join(f"{key}={extra[key]}" for key in _CONSOLE_FIELDS if key in extra)
        line = f"{at} {record.levelname.lower():<8} {record.getMessage()}  {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}
