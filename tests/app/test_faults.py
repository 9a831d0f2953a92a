"""Faults of the window are logged and shown, never swallowed."""

import asyncio
import logging
import sys
import threading

import pytest
from PySide6.QtCore import QTimer, qInstallMessageHandler, qWarning

from app import faults


@pytest.fixture
def shown(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    errors = []
    faults.catch_all(errors.append)
    return errors


@pytest.fixture
def log_file(tmp_path):
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    faults.log_to(tmp_path / "logs")
    yield tmp_path / "logs" / "window.log"
    for handler in root.handlers:
        handler.close()
    root.handlers, root.level = handlers, level
    qInstallMessageHandler(None)


def broken():
    raise ZeroDivisionError("in a slot")


async def test_an_exception_in_a_slot_is_logged_and_shown(shown, log_file, until):
    QTimer.singleShot(0, broken)
    await until(lambda: shown)
    assert str(shown[0]) == "in a slot"
    assert "ZeroDivisionError: in a slot" in log_file.read_text()


async def test_an_exception_in_a_task_that_nobody_awaits_is_logged_and_shown(log_file, until):
    shown = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(faults.from_loop(shown.append))
    loop.call_soon(broken)
    await until(lambda: shown)
    assert "ZeroDivisionError: in a slot" in log_file.read_text()


def test_an_exception_in_a_thread_is_logged(shown, log_file):
    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    assert "uncaught in a thread" in log_file.read_text()


def test_what_qt_complains_about_is_logged(qapp, log_file):
    qWarning("a complaint")
    assert "WARNING qt: a complaint" in log_file.read_text()
