"""Asynchronous tests of the window run on the event loop that the window runs on; each ends without a pending task."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping

import pytest
import pytestqt.plugin
import qasync
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.theme import theme
from sidecar.paths import Paths

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PATIENCE_MS = 60_000


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Qt's loop in asyncio's clothes."""
    return {"qt": _new_loop}


def _new_loop() -> asyncio.AbstractEventLoop:
    return Loop(QApplication.instance() or QApplication([]))


class Loop(qasync.QEventLoop):
    """Runs callbacks only while it runs itself: pytest-qt handles Qt's events between the phases of a test, too."""

    open = 0

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        Loop.open += 1

    def close(self) -> None:
        Loop.open -= not self.is_closed()
        super().close()

    def _add_callback(self, handle: asyncio.Handle, delay: float = 0) -> asyncio.Handle:
        super()._add_callback(WhileRunning(handle, self), delay)
        return handle


class WhileRunning:
    """A callback that waits where the loop pauses."""

    def __init__(self, handle: asyncio.Handle, loop: Loop) -> None:
        self._handle, self._loop = handle, loop

    @property
    def _cancelled(self) -> bool:
        return self._handle.cancelled()

    def _run(self) -> None:
        if self._loop.is_running():
            self._handle._run()
        else:
            self._loop._timer.add_callback(self, 0.005)


@pytest.fixture(scope="session", autouse=True)
def timers_wait_with_the_loop() -> Iterator[None]:
    """Between the phases of a test with a loop Qt's events wait, too: what a timer of the window starts needs one that runs.
    Tests that have no window do not handle what earlier ones left."""
    handle_events = pytestqt.plugin._process_events

    def handle() -> None:
        if not Loop.open and os.environ.get("PYTEST_CURRENT_TEST", "").startswith("tests/app/"):
            handle_events()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytestqt.plugin, "_process_events", handle)
        yield


@pytest.fixture(scope="session", autouse=True)
def patient_qtbot() -> Iterator[None]:
    """Five seconds are too few on a machine that others use: a limit only guards against hanging."""
    with pytest.MonkeyPatch.context() as patch:
        for waiting in (QtBot.waitUntil, QtBot.waitSignal):
            patch.setitem(waiting.__kwdefaults__, "timeout", PATIENCE_MS)
        yield


@pytest.fixture(scope="session", autouse=True)
def installed_theme(qapp: QApplication) -> None:
    """Widgets take fonts and colours from the theme."""
    theme.install(qapp, "light")


@pytest.fixture(autouse=True)
def no_button_held(qapp: QApplication) -> Iterator[None]:
    """A mouse button that a test leaves down would be down for all that come after."""
    yield
    assert qapp.mouseButtons() == Qt.MouseButton.NoButton


@pytest.fixture
def paths(tmp_path) -> Paths:
    """The folders of an installation of its own."""
    found = Paths.in_folder(tmp_path / "data")
    found.create()
    return found


@pytest.fixture
def quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that the window starts takes any free port, and no worker in store."""
    monkeypatch.setenv("INGLENOOK_PORT", "0")
    monkeypatch.setenv("INGLENOOK_SPARE_WORKER", "false")


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until `condition` holds. Raises TimeoutError; the limit only guards against hanging."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  the condition is anything, not an event
            await asyncio.sleep(0.01)


@pytest.fixture(name="until")
def _until() -> Callable[..., object]:
    return until
