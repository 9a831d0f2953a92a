"""Faults of the window itself: every uncaught exception is written to the log folder and shown, never swallowed."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

LOG_BYTES = 1_000_000
logger = logging.getLogger("inglenook.window")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def log_to(folder: Path) -> None:
    """Write window.log in `folder`, rotated, and the errors to stderr as well. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    file = RotatingFileHandler(folder / "window.log", maxBytes=LOG_BYTES, backupCount=3, encoding="utf-8", delay=True)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    screen = logging.StreamHandler()
    screen.setLevel(logging.ERROR)
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.handlers = [file, screen]
    logging.getLogger("qasync").setLevel(logging.WARNING)
    qInstallMessageHandler(_log_qt)


def catch_all(show: Callable[[BaseException], object]) -> None:
    """From now on log and `show` what nobody caught: in slots and in threads. For tasks see `from_loop`."""

    def take(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        logger.error("uncaught", exc_info=(kind, error, trace))
        show(error)

    def take_from_thread(arguments: threading.ExceptHookArgs) -> None:
        logger.error("uncaught in a thread", exc_info=arguments.exc_value)

    sys.excepthook = take
    threading.excepthook = take_from_thread


def from_loop(show: Callable[[BaseException], object]) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """The exception handler for an event loop that logs and `show`s."""

    def take(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        logger.error("in the event loop: %s", context.get("message"), exc_info=error)
        if error is not None:
            show(error)

    return take


def _log_qt(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    logging.getLogger("qt").log(_LEVELS[kind], "%s", message)
