"""The window's own preferences: one small table, kept as TOML beside the service's settings.

Not the service's settings: those are read and changed through its API.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

SAVE_DELAY_MS = 300


@dataclass
class Table:
    """Every preference with its default."""

    theme: str = "system"
    close_to_tray: bool = False
    background_service: bool = False
    start_at_login: bool = False
    first_run_done: bool = False
    tray_explained: bool = False
    view: str = "chat"
    geometry: str = ""  # base64 of QWidget.saveGeometry
    splitters: dict[str, str] = field(default_factory=dict)  # name → base64 of QSplitter.saveState
    drafts: dict[str, str] = field(default_factory=dict)  # where it was typed → the text
    chosen: dict[str, str] = field(default_factory=dict)  # view → the model chosen there, and the like


class Preferences(QObject):
    """The table in memory and on disk. Reading is by attribute of `table`, changing by `set`.

    Signals:
        changed(str): the preference of that name has another value.
    """

    changed = Signal(str)

    def __init__(self, file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.file = file
        self.problem = ""  # why the file on disk could not be used, for the window to say
        self.table = self._read()
        self._timer = QTimer(self, singleShot=True, interval=SAVE_DELAY_MS)
        self._timer.timeout.connect(self.save)

    def set(self, name: str, value: Any) -> None:
        """Change one preference; it is written a moment later, many changes at once. Raises AttributeError, TypeError."""
        present = getattr(self.table, name)
        if type(value) is not type(present):
            raise TypeError(f"{name} is a {type(present).__name__}, not a {type(value).__name__}")
        if value == present:
            return
        setattr(self.table, name, value)
        self._timer.start()
        self.changed.emit(name)

    def put(self, name: str, key: str, value: str) -> None:
        """Change one entry of a preference that is a dict; an empty value removes it."""
        entries = dict(getattr(self.table, name))
        entries.pop(key, None)
        self.set(name, entries | {key: value} if value else entries)

    def save(self) -> None:
        """Write the file in one step, now. Raises OSError."""
        import tomlkit  # only where something is written: showing the window does not wait for it

        self._timer.stop()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        draft = self.file.with_suffix(".toml.new")
        draft.write_text(tomlkit.dumps(_changed_values(self.table)), "utf-8")
        draft.replace(self.file)

    def flush(self) -> None:
        """Write what is still waiting to be written."""
        if self._timer.isActive():
            self.save()

    def _read(self) -> Table:
        if not self.file.exists():
            return Table()
        try:
            return _table(tomllib.loads(self.file.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            aside = self.file.with_suffix(".toml.damaged")
            self.file.replace(aside)
            self.problem = self.tr("The window's settings could not be read ({0}). They were put aside as {1}.").format(
                error, aside
            )
            return Table()


def _table(values: dict[str, Any]) -> Table:
    """Known names with values of the right type; an older or newer window's other entries are passed over."""
    table = Table()
    for entry in fields(Table):
        value = values.get(entry.name)
        if type(value) is type(getattr(table, entry.name)):
            setattr(table, entry.name, value)
    return table


def _changed_values(table: Table) -> dict[str, Any]:
    default = asdict(Table())
    return {name: value for name, value in asdict(table).items() if value != default[name]}
