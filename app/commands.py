"""What the command palette offers: a title and what it does. Knows no widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One entry. `section` groups it ("Chat"), `shortcut` is only shown, `keywords` help to find it."""

    title: str
    run: Callable[[], object]
    icon: str = "chevron-right"
    section: str = ""
    shortcut: str = ""
    keywords: str = ""


def matching(commands: list[Command], query: str) -> list[Command]:
    """The commands that hold every word of `query`, those whose title begins with it first; order is kept otherwise."""
    words = query.casefold().split()
    found = [command for command in commands if all(word in _searched(command) for word in words)]
    return sorted(found, key=lambda command: not command.title.casefold().startswith(query.strip().casefold()))


def _searched(command: Command) -> str:
    return f"{command.section} {command.title} {command.keywords}".casefold()
