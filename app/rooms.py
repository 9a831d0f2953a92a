"""The list of views: one entry each, in the order of the rail. A view is imported and made when it is first needed."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from app.view import Frame, View


@dataclass(frozen=True)
class Room:
    """A view before it is made; `load` imports and returns its class, `package` holds its modules. Without a title it has
    no entry in the rail; one that belongs `under` another has that one's."""

    name: str
    title: str
    icon: str
    load: Callable[[], Callable[[Frame], View]]  # takes tenths of a second the first time
    package: str = ""
    pure: str = ""  # a module of it that takes long to import and knows no Qt
    shortcut: str = ""
    group: int = 0
    bottom: bool = False
    under: str = ""

    @property
    def entry(self) -> str:
        """The name of the rail's entry that leads to it."""
        return self.under or self.name

    def build(self, frame: Frame) -> View:
        """Make the view."""
        return self.load()(frame)

    async def load_in_turns(self) -> None:
        """Import its modules one after another, so that the window stays awake. Only what is `pure` goes to a thread:
        Qt's classes belong to the thread of the window from the start."""
        if self.pure:
            await asyncio.to_thread(importlib.import_module, self.pure)
        if self.package:
            await load_package(self.package)
        self.load()


async def load_package(package: str) -> None:
    """Import its modules, each in a turn of its own."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")
        await asyncio.sleep(0)


def _welcome() -> type[View]:
    from app.views.welcome.view import WelcomeView

    return WelcomeView


def _chat() -> type[View]:
    from app.views.chat.view import ChatView

    return ChatView


def _classify() -> type[View]:
    from app.views.classify.view import ClassifyView

    return ClassifyView


def _models() -> type[View]:
    from app.views.models.view import ModelsView

    return ModelsView


def _storage() -> type[View]:
    from app.views.storage.view import StorageView

    return StorageView


def _catalogue() -> type[View]:
    from app.views.catalogue.view import CatalogueView

    return CatalogueView


def _downloads() -> type[View]:
    from app.views.downloads.view import DownloadsView

    return DownloadsView


def _settings() -> type[View]:
    from app.views.settings.view import SettingsView

    return SettingsView


ROOMS = (
    Room("welcome", "", "info", _welcome, "app.views.welcome", shortcut="F1"),
    Room("chat", "Chat", "message-circle", _chat, "app.views.chat", "app.markdown", "Ctrl+1"),
    Room("classify", "Classify", "tag", _classify, "app.views.classify", shortcut="Ctrl+2"),
    Room("models", "Models", "boxes", _models, "app.views.models", shortcut="Ctrl+5", group=1),
    Room("storage", "Storage", "hard-drive", _storage, "app.views.storage", under="models"),
    Room("catalogue", "Catalogue", "compass", _catalogue, "app.views.catalogue", shortcut="Ctrl+6", group=1),
    Room("downloads", "Downloads", "download", _downloads, "app.views.downloads", shortcut="Ctrl+7", group=1),
    Room("settings", "Settings", "settings", _settings, "app.views.settings", shortcut="Ctrl+,", bottom=True),
)
