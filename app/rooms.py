"""The list of views: one entry each, in the order of the rail. A view is imported and made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.view import Frame, View


@dataclass(frozen=True)
class Room:
    """A view before it is made; `load` imports and returns its class. Without a title it has no entry in the rail."""

    name: str
    title: str
    icon: str
    load: Callable[[], Callable[[Frame], View]]  # takes tenths of a second the first time; may run in any thread
    shortcut: str = ""
    group: int = 0
    bottom: bool = False

    def build(self, frame: Frame) -> View:
        """Make the view."""
        return self.load()(frame)


def _welcome() -> type[View]:
    from app.views.welcome import WelcomeView

    return WelcomeView


def _chat() -> type[View]:
    from app.views.chat import ChatView

    return ChatView


def _classify() -> type[View]:
    from app.views.classify import ClassifyView

    return ClassifyView


def _settings() -> type[View]:
    from app.views.settings import SettingsView

    return SettingsView


ROOMS = (
    Room("welcome", "", "info", _welcome, "F1"),
    Room("chat", "Chat", "message-circle", _chat, "Ctrl+1"),
    Room("classify", "Classify", "tag", _classify, "Ctrl+2"),
    Room("settings", "Settings", "settings", _settings, "Ctrl+,", bottom=True),
)
