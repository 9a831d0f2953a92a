"""The real window in the test's own process, alone or at a real service."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from app.main_window import MainWindow
from app.session import Session
from app.settings import Preferences
from app.sidecar_process import SidecarProcess
from app.view import View
from sidecar.paths import Paths


@contextlib.asynccontextmanager
async def opened_window(paths: Paths, **process: Any) -> AsyncIterator[MainWindow]:
    """A window whose service is not started yet. `process`: options of the SidecarProcess."""
    session = Session(SidecarProcess(paths, **process))
    window = MainWindow(session, Preferences(paths.window_settings))
    window.show()
    yield window
    session.close()
    await session.process.close()
    window.deleteLater()


class WindowBench:
    """A window, and what tests do with it. `until` waits for a condition."""

    SIZE = (1280, 820)

    def __init__(self, paths: Paths, until: Callable[..., Any], view: str) -> None:
        self.paths, self.until = paths, until
        self._name = view
        self.process = SidecarProcess(paths)
        self.session = Session(self.process)
        self.window = MainWindow(self.session, Preferences(paths.window_settings))
        self.window.resize(*self.SIZE)
        self.window.show()

    @property
    def view(self) -> View:
        """The view that is tested."""
        return self.window.view(self._name)

    async def start(self) -> None:
        """Find the service, and bring the view to the front."""
        self.process.start()
        await self.session.ready()
        self.window.show_view(self._name)

    async def close(self) -> None:
        self.session.close()
        await self.process.close()
        self.window.hide()
        self.window.deleteLater()
