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

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

FILE_BYTES = 5_000_000
FILES_KEPT = 5
FILE_NAME = "sidecar.log"
GATHER_S = 0.1
_CONSOLE_FIELDS = ("method", "path", "status", "ms", "request_id")


@contextmanager
def to_folder(folder: Path, level: str) -> Iterator[None]:
    """Log there for as long as the block lasts; what is queued is written before it ends. Raises OSError."""
    file = RotatingFileHandler(folder / FILE_NAME, maxBytes=FILE_BYTES, backupCount=FILES_KEPT - 1, encoding="utf-8")
    file.setFormatter(_formatter(structlog.processors.JSONRenderer(ensure_ascii=False)))
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(_formatter(_plain_words))
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


def _formatter(renderer: structlog.typing.Processor) -> ProcessorFormatter:
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.PositionalArgumentsFormatter(),
            ExtraAdder(),
            structlog.processors.format_exc_info,
        ],
        processors=[ProcessorFormatter.remove_processors_meta, renderer],
    )


def _plain_words(logger: WrappedLogger, name: str, event: EventDict) -> str:
    """`10:21:07 warning  the message  field=value`, and the traceback below it if there is one."""
    fields = " ".join(f"{key}={event[key]}" for key in _CONSOLE_FIELDS if key in event)
    line = f"{event['timestamp'][11:19]} {event['level']:<8} {event['event']}  {fields}".rstrip()
    return f"{line}\n{event['exception']}" if "exception" in event else line
