"""One setting: its name, what it does, where its value comes from, its editor, and the way back to the default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.views.settings.editors import editor_for, title_of
from app.widgets.button import Button
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.pill import Pill
from sidecar.types import SettingInfo

FIXED_SOURCES = {"environment": "INGLENOOK_{0} in the environment", "flag": "the command line's --{0}"}


class Row(QWidget):
    """A line of a settings card; `extra` is whatever stands at its right."""

    def __init__(self, title: str, description: str, extra: QWidget | None = None, *, key: str = "") -> None:
        super().__init__()
        self.title = title
        self.link: Button | None = None
        self._searched = f"{title} {key} {description}".casefold()
        self.heading = QHBoxLayout()
        self.heading.setSpacing(8)
        name = Label(title, weight="medium")
        name.setToolTip(key)
        self.heading.addWidget(name)
        self.heading.addStretch(1)
        self.words = QVBoxLayout()
        self.words.setSpacing(2)
        self.words.addLayout(self.heading)
        self.words.addWidget(Label(description, "muted", "small", wrap=True))
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(16, 12, 16, 12)
        self.line.setSpacing(16)
        self.line.addLayout(self.words, 1)
        if extra is not None:
            self.line.addWidget(extra, 0, Qt.AlignmentFlag.AlignVCenter)

    def offer(self, text: str, action: Callable[[], object]) -> None:
        """Put a link to something that helps with it under its words."""
        self.link = Button(text, "link")
        self.link.clicked.connect(action)
        self.words.addWidget(self.link, 0, Qt.AlignmentFlag.AlignLeft)

    def matches(self, query: str) -> bool:
        """Whether every word of `query` occurs in it."""
        return all(word in self._searched for word in query.casefold().split())


class SettingRow(Row):
    """A setting of the service.

    Signals:
        changed(str, object): the key and its new value; None for the default.
    """

    changed = Signal(str, object)

    def __init__(self, info: SettingInfo) -> None:
        super().__init__(title_of(info.key), self._described(info), key=info.key)
        self.info = info
        self.editor = editor_for(info)
        self._error = Label(role="bad_text", size="small", wrap=True)
        self._note = Label(role="muted", size="small", wrap=True)
        self._restart = Pill(self.tr("after restart"), "warning")
        self.reset = IconButton(
            "rotate-ccw", self.tr("Reset to the default: {0}").format(shown(info.default)), size=20, icon_size=14
        )
        self.heading.insertWidget(1, self._restart)
        self.heading.insertWidget(2, self.reset)
        self.words.addWidget(self._note)
        self.words.addWidget(self._error)
        self.line.addWidget(self.editor, 0, Qt.AlignmentFlag.AlignVCenter)
        self.editor.edited.connect(lambda value: self.changed.emit(info.key, value))
        self.reset.clicked.connect(lambda: self.changed.emit(info.key, None))
        self._error.hide()
        self.show_info(info, pending=False)

    def show_info(self, info: SettingInfo, *, pending: bool) -> None:
        """Another value or source; `pending` when it waits for a restart."""
        self.info = info
        self.editor.set_value(info.value)
        self.editor.setEnabled(info.source not in FIXED_SOURCES)
        self.reset.setVisible(info.source == "file" and info.value != info.default)
        self._restart.setVisible(pending)
        self._note.setText(self._source_note())
        self._note.setVisible(bool(self._note.text()))
        self.show_error("")

    def show_error(self, message: str) -> None:
        """Say at the field what is wrong with it; empty when nothing is."""
        self._error.setText(message)
        self._error.setVisible(bool(message))
        self.editor.mark_invalid(bool(message))

    def error(self) -> str:
        """What is said to be wrong with it."""
        return self._error.text()

    def note(self) -> str:
        """Why it cannot be changed here; empty when it can."""
        return self._note.text()

    def _described(self, info: SettingInfo) -> str:
        return (
            f"{info.description} {self.tr('Takes effect when the service starts.')}"
            if info.restart
            else info.description
        )

    def _source_note(self) -> str:
        if self.info.source in FIXED_SOURCES:
            where = FIXED_SOURCES[self.info.source].format(
                self.info.key.upper() if self.info.source == "environment" else self.info.key.replace("_", "-")
            )
            return self.tr("Set by {0}, which goes before this table.").format(where)
        return ""


def shown(value: Any) -> str:
    """A value in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) or "empty"
