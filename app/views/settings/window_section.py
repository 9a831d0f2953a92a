"""The window's own preferences: theme, tray, background service, start at login, the data folder."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSystemTrayIcon, QWidget

from app import start_at_login
from app.settings import Preferences
from app.view import Frame
from app.views.settings.row import Row
from app.views.settings.section import Section
from app.widgets.button import Button
from app.widgets.segmented import SegmentedControl

THEMES = ("system", "light", "dark")


class WindowSection(Section):
    """Takes effect at once; nothing here concerns the service's own settings."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(QCoreApplication.translate("WindowSection", "This window"))
        self._frame = frame
        self._preferences: Preferences = frame.preferences
        self._add_theme()
        self._add_tray()
        self._add_switch(
            "background_service",
            self.tr("Background service"),
            self.tr(
                "The service keeps running for other programs when the window is closed. Applies from its next start."
            ),
        )
        self._add_login()
        self._add_folder()

    def _add_theme(self) -> None:
        control = SegmentedControl([self.tr("System"), self.tr("Light"), self.tr("Dark")], self.tr("Theme"))
        control.set_current(THEMES.index(self._preferences.table.theme))
        control.changed.connect(lambda index: self._preferences.set("theme", THEMES[index]))
        self._preferences.changed.connect(
            lambda name: control.set_current(THEMES.index(self._preferences.table.theme)) if name == "theme" else None
        )
        self.add(Row(self.tr("Theme"), self.tr("Light, dark, or whatever the system says."), control))

    def _add_tray(self) -> None:
        description = self.tr("Closing the window leaves Inglenook in the tray.")
        available = QSystemTrayIcon.isSystemTrayAvailable()
        if not available:
            description = self.tr("This desktop has no tray, so closing the window ends Inglenook.")
        switch = self._add_switch("close_to_tray", self.tr("Close to the tray"), description)
        switch.setEnabled(available)

    def _add_login(self) -> None:
        description = self.tr("Inglenook starts hidden when you log in.")
        switch = self._add_switch("start_at_login", self.tr("Start at login"), description)
        switch.toggled.connect(self._apply_login)

    def _apply_login(self, enabled: bool) -> None:
        try:
            start_at_login.set_enabled(enabled, self._frame.session.paths)
        except OSError as error:
            self._frame.error(error)

    def _add_folder(self) -> None:
        folder = self._frame.session.paths.data_dir
        reveal = Button(self.tr("Show folder"), "secondary", "folder-open")
        reveal.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))
        row = Row(
            self.tr("Data folder"),
            self.tr("Chats, models and the record of requests lie in {0}").format(folder),
            reveal,
        )
        self.add(row)

    def _add_switch(self, name: str, title: str, description: str) -> QCheckBox:
        switch = QCheckBox()
        switch.setAccessibleName(title)
        switch.setChecked(getattr(self._preferences.table, name))
        switch.toggled.connect(lambda checked: self._preferences.set(name, checked))
        self.add(Row(title, description, _at_right(switch)))
        return switch


def _at_right(control: QWidget) -> QWidget:
    """Switches line up with the editors of the service's settings."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(control)
    control.setFixedWidth(18)  # the indicator alone: a check box keeps room for a text
    return holder
