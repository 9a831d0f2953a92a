"""The command palette: every command of the window in one searchable list, opened with Ctrl/Cmd-K."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.overlay import Overlay
from app.widgets.search_list import Row, SearchList

WIDTH = 560
TOP = 96


@dataclass(frozen=True)
class Command:
    """Something a person can do; `run` is called without arguments once the palette has closed."""

    id: str
    title: str
    run: Callable[[], object]
    detail: str = ""
    icon: str = ""
    shortcut: str = ""


class CommandPalette(Overlay):
    """Opens over the window of `host` with the commands given to `set_commands`."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host, dim=True)
        self._commands: dict[str, Command] = {}
        self.list = SearchList(self.tr("Type a command"), self.tr("No command matches"))
        inside = QVBoxLayout(self.panel)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.list)
        self.panel.setFocusProxy(self.list)
        self.list.chosen.connect(self._run)

    def set_commands(self, commands: Sequence[Command]) -> None:
        """Replace the commands; they show in this order until something is typed."""
        self._commands = {command.id: command for command in commands}

    def open(self) -> None:
        self.list.set_rows([_row(command) for command in self._commands.values()])
        super().open()

    def panel_geometry(self) -> QRect:
        width = min(WIDTH, self.width() - 48)
        height = min(self.list.wanted_height(), self.height() - TOP - 24)
        return QRect((self.width() - width) // 2, TOP, width, height)

    def _run(self, command_id: str) -> None:
        self.dismiss()
        self._commands[command_id].run()


def _row(command: Command) -> Row:
    shortcut = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    return Row(command.id, command.title, command.detail, command.icon, trailing=shortcut)
