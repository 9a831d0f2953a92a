"""The window around the views: rail, banners, pages, status bar, palette, shortcuts.

It knows which views there are and nothing of what they do. What happens to the service is sidecar_process.py's, what
happens at the end of the application is __main__.py's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app import operations
from app.arrivals import Arrivals
from app.banners import Banners
from app.imports import Imports
from app.rail import Place, Rail
from app.rooms import ROOMS, Room, load_package
from app.service_state import ServiceState
from app.session import Session
from app.settings import Preferences
from app.status_bar import StatusBar
from app.theme import theme
from app.view import View
from app.widgets.command_palette import Command, CommandPalette
from app.widgets.hairline import Hairline
from app.widgets.toast import Offer, Toast
from sidecar.errors import ServiceUnreachable

SMALLEST = (900, 600)
USUAL = (1280, 820)
SETTLE_S = 1.0  # a service that broke off is known to have ended by then

Action = Callable[[], Coroutine[Any, Any, object]]


class MainWindow(QMainWindow):
    """The one window.

    Signals:
        quit_wanted: the person wants the application to end.
        close_wanted: the person closed the window; what that means is decided outside.
    """

    quit_wanted = Signal()
    close_wanted = Signal()

    def __init__(self, session: Session, preferences: Preferences) -> None:
        super().__init__()
        self.session = session
        self.preferences = preferences
        self._views: dict[str, View] = {}
        self._current = ""
        self._trouble = ""
        self.setWindowTitle("Inglenook")
        self.setWindowIcon(theme.app_icon())
        self.setMinimumSize(*SMALLEST)
        self.rail = Rail(
            [
                Place(room.name, room.title, room.icon, room.group, room.bottom)
                for room in ROOMS
                if room.title and not room.under
            ]
        )
        self.banners = Banners(session)
        self.pages = QStackedWidget()
        self.pages.setObjectName("pages")
        self.status = StatusBar(session)
        self._lay_out()
        self.palette_overlay = CommandPalette(self.pages)
        self.toast_overlay = Toast(self.pages)
        self.arrivals = Arrivals(self)
        self.imports = Imports(self)
        self._connect()
        self._restore_geometry()
        if preferences.problem:
            self.banners.warn(self.tr("The window's settings were damaged"), preferences.problem)

    # ---- what views ask for (see view.Frame) ------------------------------------------------------------------------

    def show_view(self, name: str) -> View:
        """Bring a view to the front and return it. Raises KeyError for a name that no view has."""
        view = self.view(name)
        self._current = name
        self.pages.setCurrentWidget(view)
        self.rail.set_current(_room(name).entry)
        if name != "welcome":
            self.preferences.set("view", name)
        view.activated()
        return view

    def toast(
        self, text: str, undo: Callable[[], object] | None = None, offer: Offer | None = None, *, bad: bool = False
    ) -> None:
        view = self._views.get(self._current)
        above = view.kept_clear() if view else 0
        self.toast_overlay.show_message(text, undo, offer=offer, bad=bad, above=above)

    def import_models(self, paths: Sequence[str] = (), address: str = "") -> None:
        self.imports.open(paths, address)

    def error(self, error: BaseException) -> None:
        if isinstance(error, ServiceUnreachable):
            operations.run(self, self._explain(error))
        else:
            self.banners.error(error)

    async def _explain(self, error: ServiceUnreachable) -> None:
        """Show it only if the service turns out to be there: otherwise the service's own banner says it better."""
        await self.session.process.suspect()
        await asyncio.sleep(SETTLE_S)
        if self.session.state.usable:
            self.banners.error(error)

    def in_front(self, name: str) -> bool:
        """Whether the view of that name is what the person sees."""
        return self._current == name and self.isVisible() and not self.isMinimized()

    # ---- views ------------------------------------------------------------------------------------------------------

    def view(self, name: str) -> View:
        """The view of that name, made when it is first asked for. Raises KeyError."""
        if name not in self._views:
            view = _room(name).build(self)
            self._views[name] = view
            self.pages.addWidget(view)
            self._bind_shortcuts(name, view)
        return self._views[name]

    def last_view(self) -> str:
        """The view that was in front when the window was last used."""
        name = self.preferences.table.view
        return name if any(room.name == name for room in ROOMS) else ROOMS[0].name

    async def build_remaining(self) -> None:
        """Make the views that are not there yet, each in a turn of its own, and so their modules."""
        for room in ROOMS:
            if room.name not in self._views:
                await room.load_in_turns()
                self.view(room.name)
        await load_package("app.importing")
        self.imports.build()

    def _bind_shortcuts(self, name: str, view: View) -> None:
        for command in view.commands():
            if command.shortcut:
                self._bind(command.shortcut, partial(self._run_command, name, command.id))

    def _bind(self, keys: str, action: Callable[[], object]) -> None:
        QShortcut(QKeySequence(keys), self).activated.connect(lambda: action())

    def _run_command(self, name: str, command_id: str) -> None:
        """A view's command as it is now: what it offers changes with its state."""
        for command in self.view(name).commands():
            if command.id == command_id:
                command.run()

    # ---- the palette ------------------------------------------------------------------------------------------------

    def open_palette(self) -> None:
        """Every command of the window and of its views."""
        self.palette_overlay.set_commands(self._commands())
        self.palette_overlay.open()

    def _commands(self) -> list[Command]:
        go = [self._go_to(index, room) for index, room in enumerate(ROOMS)]
        views = [command for view in self._views.values() for command in view.commands()]
        return [*go, *views, *self._own_commands()]

    def _go_to(self, index: int, room: Room) -> Command:
        title = self.tr("Go to {0}").format(room.title or self.tr("Welcome"))
        return Command(
            f"go-{room.name}", title, lambda: self.show_view(room.name), icon=room.icon, shortcut=room.shortcut
        )

    def _own_commands(self) -> list[Command]:
        process = self.session.process
        commands = [
            Command(
                f"theme-{mode}",
                self.tr("Theme: {0}").format(mode),
                partial(self.preferences.set, "theme", mode),
                icon=icon,
            )
            for mode, icon in (("light", "sun"), ("dark", "moon"), ("system", "monitor"))
        ]
        if self.session.state.usable:
            commands.append(
                self._service_command("restart", self.tr("Restart the service"), "refresh-cw", process.restart)
            )
            commands.append(self._service_command("stop", self.tr("Stop the service"), "square", process.stop))
        else:
            commands.append(Command("start-service", self.tr("Start the service"), process.start, icon="play"))
        commands.append(
            Command("import", self.tr("Import models…"), self.import_models, icon="file-up", shortcut="Ctrl+Shift+O")
        )
        return [*commands, Command("quit", self.tr("Quit"), self.quit_wanted.emit, icon="log-out", shortcut="Ctrl+Q")]

    def _service_command(self, verb: str, title: str, icon: str, action: Action) -> Command:
        return Command(f"{verb}-service", title, lambda: operations.run(self, action()), icon=icon)

    # ---- building and events ----------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        content = QVBoxLayout()
        content.setSpacing(0)
        content.addWidget(self.banners)
        content.addWidget(self.pages, 1)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.rail)
        middle.addWidget(Hairline(Qt.Orientation.Vertical))
        middle.addLayout(content, 1)
        central = QWidget()
        column = QVBoxLayout(central)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(middle, 1)
        column.addWidget(self.status)
        self.setCentralWidget(central)

    def _connect(self) -> None:
        self.rail.chosen.connect(self.show_view)
        self.status.palette_wanted.connect(self.open_palette)
        self.session.state_changed.connect(self._on_state)
        operations.report_failures_to(self.error)
        self._bind("Ctrl+K", self.open_palette)
        self._bind("Ctrl+Shift+O", self.import_models)
        self._bind("Ctrl+Q", self.quit_wanted.emit)
        for room in ROOMS:
            if room.shortcut:
                self._bind(room.shortcut, partial(self.show_view, room.name))

    def _on_state(self, state: ServiceState) -> None:
        """Say when trouble is over; while it lasts the banner says so."""
        if state.kind == "restarting":
            self._trouble = state.why
        elif state.usable and self._trouble:
            self._trouble = ""
            self.toast(self.tr("The service runs again"))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.remember()
        event.ignore()
        self.close_wanted.emit()

    def remember(self) -> None:
        """Write down what must survive the window."""
        for view in self._views.values():
            view.closing()
        self.preferences.set("geometry", bytes(self.saveGeometry().toBase64().data()).decode("ascii"))
        self.preferences.flush()

    def _restore_geometry(self) -> None:
        stored = QByteArray.fromBase64(self.preferences.table.geometry.encode("ascii"))
        if not self.restoreGeometry(stored):
            available = QGuiApplication.primaryScreen().availableGeometry()
            self.resize(min(USUAL[0], available.width()), min(USUAL[1], available.height()))


def _room(name: str) -> Room:
    for room in ROOMS:
        if room.name == name:
            return room
    raise KeyError(name)
