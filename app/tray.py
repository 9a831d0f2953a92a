"""The icon in the tray: what state the service is in, the models in memory, open and quit. Nothing where there is no tray."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from app import operations
from app.figures import memory
from app.model_names import display_name
from app.service_state import ServiceState
from app.session import Session
from app.settings import Preferences
from app.status_bar import sentence
from app.theme import theme
from sidecar.types import ModelInfo

ICONS = {"starting": "tray-busy", "ready": "tray-ready", "busy": "tray-busy", "restarting": "tray-busy"}


class Tray(QObject):
    """Shown as soon as it is made, if the desktop has a tray.

    Signals:
        open_wanted: bring the window to the front.
        quit_wanted: end the application.
    """

    open_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, session: Session, owner: QWidget) -> None:
        super().__init__(owner)
        self._session = session
        self._menu = QMenu(owner)
        self._icon = QSystemTrayIcon(self)
        self._icon.setContextMenu(self._menu)
        self._icon.activated.connect(self._on_activated)
        self._menu.aboutToShow.connect(self.fill)
        session.state_changed.connect(self._show_state)
        session.models_changed.connect(self.fill)
        self._show_state(session.state)
        if self.available:
            self._icon.show()

    @property
    def available(self) -> bool:
        """Whether this desktop has a tray now; stock GNOME has none."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    @property
    def menu(self) -> QMenu:
        return self._menu

    def hide(self) -> None:
        self._icon.hide()

    def explain_once(self, preferences: Preferences) -> None:
        """The first time the window closes into the tray, say where it went."""
        if not preferences.table.tray_explained:
            preferences.set("tray_explained", True)
            self._icon.showMessage("Inglenook", self.tr("Inglenook stays here. Quit it from this menu."))

    def fill(self) -> None:
        """Make the menu from what is so now."""
        self._menu.clear()
        self._menu.addAction(sentence(self._session.state)).setEnabled(False)
        self._menu.addAction(self.tr("Open Inglenook"), self.open_wanted.emit)
        self._menu.addSeparator()
        resident = [model for model in self._session.models if model.is_loaded]
        for model in resident if self._session.state.usable else []:
            self._add_model(model)
        self._menu.addAction(self.tr("Quit"), self.quit_wanted.emit)

    def _add_model(self, model: ModelInfo) -> None:
        words = (
            f"{display_name(model)}  ·  {memory(model.memory_usage_mb)}"
            if model.memory_usage_mb
            else display_name(model)
        )
        submenu = self._menu.addMenu(words)
        submenu.addAction(self.tr("Unload"), partial(self._unload, model.id))

    def _unload(self, model_id: str) -> None:
        operations.run(self, self._session.client.unload(model_id))

    def _show_state(self, state: ServiceState) -> None:
        self._icon.setIcon(theme.app_icon(ICONS.get(state.kind, "tray-stopped")))
        self._icon.setToolTip(f"Inglenook: {sentence(state)}")
        self.fill()

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.open_wanted.emit()
