"""The list of views: one entry each, in the order of the rail. A view is imported and made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.view import Frame, View


@dataclass(frozen=True)
class Room:
    """A view before it is made. Without a title it has no entry in the rail."""

    name: str
    title: str
    icon: str
    build: Callable[[Frame], View]
    shortcut: str = ""
    group: int = 0
    bottom: bool = False


def _welcome(frame: Frame) -> View:
    from app.views.welcome import WelcomeView

    return WelcomeView(frame)


def _chat(frame: Frame) -> View:
    from app.views.chat import ChatView

    return ChatView(frame)


def _classify(frame: Frame) -> View:
    from app.views.classify import ClassifyView

    return ClassifyView(frame)


def _settings(frame: Frame) -> View:
    from app.views.settings import SettingsView

    return SettingsView(frame)


ROOMS = (
    Room("welcome", "", "info", _welcome, "F1"),
    Room("chat", "Chat", "message-circle", _chat, "Ctrl+1"),
    Room("classify", "Classify", "tag", _classify, "Ctrl+2"),
    Room("settings", "Settings", "settings", _settings, "Ctrl+,", bottom=True),
)
