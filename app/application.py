"""Puts the window together and runs it: the order of start and end. What the parts do is theirs."""

from __future__ import annotations

import asyncio
import logging
import sys
import time

import qasync
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app import faults, garbage, operations
from app.interrupts import Interrupts
from app.main_window import MainWindow
from app.session import Session
from app.settings import Preferences
from app.sidecar_process import SidecarProcess
from app.single_instance import SingleInstance
from app.theme import theme
from app.tray import Tray
from app.widgets.focus_ring import FocusRing
from sidecar.paths import Paths

logger = logging.getLogger("inglenook.window")


def run(paths: Paths, *, theme_name: str | None = None, hidden: bool = False) -> int:
    """Run the window to its end and return the exit status. Raises OSError when the folders cannot be made."""
    paths.create()
    faults.log_to(paths.log_dir)
    app = qt_application()
    instance = SingleInstance(paths)
    if not instance.claim():
        sys.stderr.write("Inglenook is open already; its window comes to the front.\n")
        return 0 if instance.raise_first() else 1
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with loop:
        loop.run_until_complete(_live(app, paths, instance, theme_name, hidden))
    instance.release()
    return 0


async def _live(
    app: QApplication, paths: Paths, instance: SingleInstance, theme_name: str | None, hidden: bool
) -> None:
    application = Application(app, paths, instance, theme_name)
    asyncio.get_running_loop().set_exception_handler(faults.from_loop(application.window.error))
    application.start(hidden=hidden)
    await application.quitting.wait()
    await application.end()


class Application(QObject):
    """Everything that lives as long as the application does."""

    def __init__(
        self, app: QApplication, paths: Paths, instance: SingleInstance, theme_name: str | None = None
    ) -> None:
        super().__init__()
        self._app = app
        self.quitting = asyncio.Event()
        self._garbage = garbage.GarbageCollector(self)
        self.preferences = Preferences(paths.window_settings)
        theme.install(app, theme_name or self.preferences.table.theme)  # type: ignore[arg-type]
        self.process = SidecarProcess(paths, background=lambda: self.preferences.table.background_service)
        self.session = Session(self.process)
        self.window = MainWindow(self.session, self.preferences)
        self.tray = Tray(self.session, self.window)
        faults.catch_all(self.window.error)
        self._background_at_start = self.preferences.table.background_service
        self._interrupts = Interrupts(self.quitting.set, self)
        self._connect(instance)

    def start(self, *, hidden: bool) -> None:
        """Start the service, then show the window, which does not wait for it."""
        self.process.start()
        first_time = not self.preferences.table.first_run_done
        self.window.show_view("welcome" if first_time else self.window.last_view())
        self.preferences.set("first_run_done", True)
        if not hidden:
            self.window.show()
        QTimer.singleShot(0, self._after_first_paint)

    def _after_first_paint(self) -> None:
        logger.info("the window is up after %.2f s of processor time", time.process_time())
        operations.run(self.window, self._get_ready())

    async def _get_ready(self) -> None:
        """What the first click would else wait for."""
        await self.window.build_remaining()
        await asyncio.to_thread(_load_languages)
        garbage.settle()

    async def end(self) -> None:
        """Write down what must survive, and end what this window owns."""
        self.window.remember()
        self.window.hide()
        self.tray.hide()
        turned_off = self._background_at_start and not self.preferences.table.background_service
        self.session.close()
        await self.process.close(end_adopted=turned_off)
        self._interrupts.close()

    def come_to_front(self) -> None:
        """Show the window above the others."""
        self.window.setWindowState(self.window.windowState() & ~Qt.WindowState.WindowMinimized)
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def _connect(self, instance: SingleInstance) -> None:
        instance.raise_wanted.connect(self.come_to_front)
        self.window.close_wanted.connect(self._on_close)
        self.window.quit_wanted.connect(self.quitting.set)
        self.tray.open_wanted.connect(self.come_to_front)
        self.tray.quit_wanted.connect(self.quitting.set)
        self.preferences.changed.connect(self._on_preference)
        self._app.commitDataRequest.connect(lambda _manager: self.window.remember())

    def _on_close(self) -> None:
        """To the tray where there is one and the person wants that; otherwise the application ends."""
        if self.preferences.table.close_to_tray and self.tray.available:
            self.window.hide()
            self.tray.explain_once(self.preferences)
        else:
            self.quitting.set()

    def _on_preference(self, name: str) -> None:
        if name == "theme":
            theme.set_mode(self.preferences.table.theme)  # type: ignore[arg-type]


def _load_languages() -> None:
    from app.highlight import load_usual_languages  # importing it costs more than the window's start should wait for

    load_usual_languages()


def qt_application() -> QApplication:
    QApplication.setApplicationName("Inglenook")
    QApplication.setDesktopFileName("inglenook")
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)  # the end is orderly, see Application.end
    app.setWindowIcon(theme.app_icon())
    FocusRing(app)
    return app
