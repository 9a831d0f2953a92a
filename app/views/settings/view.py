"""The settings page. It asks the service for its table and shows it; what a setting means stands in that table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from app import operations
from app.service_state import ServiceState
from app.theme import theme
from app.view import Frame, View
from app.views.settings.row import SettingRow
from app.views.settings.section import Section
from app.views.settings.window_section import WindowSection
from app.widgets.banner import Banner
from app.widgets.button import Button
from app.widgets.centred_column import CentredColumn
from app.widgets.command_palette import Command
from app.widgets.label import Label
from app.widgets.search_field import SearchField
from sidecar.errors import InvalidRequest
from sidecar.types import SettingInfo

COLUMN_WIDTH = 820
BUDGET_MS = 10  # of one turn of the event loop for making rows


class SettingsView(View):
    """Everything that can be set, searchable."""

    name = "settings"
    title = "Settings"
    icon = "settings"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.search = SearchField(self.tr("Search settings"))
        self.rows: dict[str, SettingRow] = {}
        self._sections: dict[str, Section] = {"": WindowSection(frame)}
        self._shown: list[SettingInfo] = []  # of the service's table, what is not on screen yet
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._show_next)
        self._pending: set[str] = set()  # changed, and waiting for a restart
        self.restart_button = Button(self.tr("Restart now"), "primary", "refresh-cw", compact=True)
        self.restart_banner = self._restart_banner()
        self._nothing = Label(self.tr("No setting matches."), "muted")
        self._waiting = Label(role="muted")
        self._column = QVBoxLayout()
        self._lay_out()
        self.search.textChanged.connect(self._filter)
        self.session.state_changed.connect(self._on_state)
        self.session.settings_changed.connect(self._ask)
        self._on_state(self.session.state)

    def activated(self) -> None:
        self.search.setFocus()

    def commands(self) -> list[Command]:
        return [
            Command(f"setting-{key}", row.title, partial(self._reveal, key), self.title, "settings")
            for key, row in self.rows.items()
        ]

    def is_settled(self) -> bool:
        """Whether the service's whole table is on screen."""
        return bool(self.rows) and not self._shown

    def _lay_out(self) -> None:
        self._column.setSpacing(28)
        for widget in (self.restart_banner, self._sections[""], self._waiting, self._nothing):
            self._column.addWidget(widget)
        self._column.addStretch(1)
        self.restart_banner.hide()
        self._nothing.hide()
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.setSpacing(0)
        outside.addWidget(self._header())
        outside.addWidget(CentredColumn(self._column, COLUMN_WIDTH, (24, 24, 24, 32)), 1)

    def _header(self) -> QFrame:
        header = QFrame()
        header.setProperty("hairline", "bottom")
        header.setFixedHeight(theme.metrics.spacing["header_height"])
        row = QHBoxLayout(header)
        row.setContentsMargins(24, 0, 24, 0)
        row.addWidget(Label(self.title, size="title", weight="strong"))
        row.addStretch(1)
        self.search.setFixedWidth(280)
        row.addWidget(self.search)
        return header

    def _restart_banner(self) -> Banner:
        text = self.tr("Some changes take effect when the service starts again. Answers in progress would end.")
        banner = Banner("info", self.tr("Restart the service to apply what you changed"), text, closable=False)
        button = self.restart_button
        button.clicked.connect(lambda: operations.run(self, self.session.process.restart(), busy=button.setDisabled))
        banner.add_action(button)
        return banner

    # ---- what the service says --------------------------------------------------------------------------------------

    def _on_state(self, state: ServiceState) -> None:
        for section in self._sections.values():
            section.setEnabled(state.usable or section is self._sections[""])
        self._waiting.setText(self.tr("The service's settings are shown as soon as it answers."))
        self._waiting.setVisible(not self.rows)
        if state.kind in ("starting", "restarting", "stopped"):
            self._pending.clear()
        elif state.kind == "ready":
            self._ask()

    def _ask(self) -> None:
        if self.session.state.usable:
            operations.run(self, self.session.client.settings(), on_success=self._show)

    def _show(self, table: Sequence[SettingInfo]) -> None:
        self._shown = list(table)
        self._waiting.hide()
        self.restart_banner.setVisible(bool(self._pending))
        self._show_next()

    def _show_next(self) -> None:
        """Show what the table still holds, as many rows as one turn of the event loop has time for."""
        clock = QElapsedTimer()
        clock.start()
        while self._shown and clock.elapsed() < BUDGET_MS:
            info = self._shown.pop(0)
            if info.key not in self.rows:
                self._add_row(info)
            self.rows[info.key].show_info(info, pending=info.key in self._pending)
        if self._shown:
            self._later.start()
        else:
            self._filter(self.search.text())

    def _add_row(self, info: SettingInfo) -> None:
        if info.section not in self._sections:
            section = Section(info.section)
            self._sections[info.section] = section
            self._column.insertWidget(self._column.count() - 1, section)
        row = SettingRow(info)
        row.changed.connect(self._change)
        if info.key == "models_dir":
            row.offer(self.tr("Move what is in it…"), lambda: self.frame.show_view("storage"))
        self.rows[info.key] = row
        self._sections[info.section].add(row)

    # ---- what the person does ---------------------------------------------------------------------------------------

    def _change(self, key: str, value: Any) -> None:
        row = self.rows[key]
        operations.run(
            self,
            self.session.client.change_settings({key: value}),
            on_success=lambda table: self._changed(row, table),
            on_failure=lambda error: self._refused(row, error),
        )

    def _changed(self, row: SettingRow, table: Sequence[SettingInfo]) -> None:
        if row.info.restart:
            self._pending.add(row.info.key)
        self._show(table)

    def _refused(self, row: SettingRow, error: BaseException) -> None:
        if isinstance(error, InvalidRequest):
            row.show_error(error.message)
        else:
            row.editor.set_value(row.info.value)
            operations.report(error)

    def _filter(self, query: str) -> None:
        found = sum(section.filter(query) for section in self._sections.values())
        self._nothing.setVisible(found == 0)

    def _reveal(self, key: str) -> None:
        self.frame.show_view(self.name)
        self.search.setText(key)
        self.rows[key].editor.setFocus()
