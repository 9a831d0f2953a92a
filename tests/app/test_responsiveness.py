"""The window's thread is never kept busy for long: what it computes in one turn of the event loop stays small.

Processor time is measured, not the clock: on a machine that others use, a turn may take long without being long.
"""

import asyncio
import time

import pytest
from PySide6.QtCore import QAbstractEventDispatcher

from app.main_window import MainWindow
from app.session import Session
from app.settings import Preferences
from app.sidecar_process import SidecarProcess
from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model

LONGEST_S = 0.050
ROWS = 10_000
PATIENCE_S = 150
SETTLE_S = 1


class Turns:
    """The processor time of this thread in each turn of the event loop, in seconds."""

    def __init__(self):
        self.longest = 0.0
        self.count = 0
        self._began = 0.0
        self._dispatcher = QAbstractEventDispatcher.instance()

    def __enter__(self):
        self._dispatcher.awake.connect(self._next)
        self._dispatcher.aboutToBlock.connect(self._next)
        self._began = time.thread_time()
        return self

    def __exit__(self, *_error):
        self._dispatcher.awake.disconnect(self._next)
        self._dispatcher.aboutToBlock.disconnect(self._next)

    def _next(self):
        now = time.thread_time()
        self.longest = max(self.longest, now - self._began)
        self.count += 1
        self._began = now


@pytest.fixture
async def window(paths, monkeypatch):
    monkeypatch.setenv("INGLENOOK_PORT", "0")
    monkeypatch.setenv("INGLENOOK_SPARE_WORKER", "false")
    process = SidecarProcess(paths)
    session = Session(process)
    made = MainWindow(session, Preferences(paths.window_settings))
    made.resize(1440, 900)
    made.show()
    process.start()
    client = await session.ready()
    for name, kind, knobs in (
        ("writer", "text_generation", {"delay_ms": 5, "repeat": 0}),
        ("sorter", "classification", {}),
    ):
        folder = echo_model(paths.data_dir / name, **knobs)
        await client.register(RegisterRequest(name=name, model_type=kind, model_path=str(folder)))
    yield made
    session.close()
    await process.close()
    made.deleteLater()


async def test_a_turn_that_takes_long_is_noticed(until):
    with Turns() as turns:
        began = time.thread_time()
        while time.thread_time() - began < 2 * LONGEST_S:
            pass
        await until(lambda: turns.longest > LONGEST_S)


async def test_no_turn_is_long_while_a_chat_streams_and_ten_thousand_rows_fill(window, until):
    chat, classify = window.view("chat"), window.view("classify")
    await until(lambda: window.session.model("writer") and window.session.model("sorter"))
    chat.use_model("writer")
    classify.use_model("sorter")
    chat.ask("one two three " * 20, [])
    await until(lambda: window.session.state.kind == "busy")
    window.show_view(
        "chat"
    )  # both have been painted once before: glyphs and icons are drawn the first time they are used
    await asyncio.sleep(SETTLE_S)
    window.show_view("classify")
    await asyncio.sleep(SETTLE_S)
    with Turns() as turns:
        classify.list.open_lines("\n".join(f"the text of row {row}" for row in range(ROWS)), start=True)
        await until(
            lambda: len(classify.list.results) == ROWS and classify.list.results.classified > ROWS // 3, PATIENCE_S
        )
        window.show_view("chat")
        await until(lambda: classify.list.results.classified == ROWS, PATIENCE_S)
    assert turns.count > 100
    assert turns.longest < LONGEST_S
