"""Start at login, each platform's own way: an autostart entry, a launch agent, a value in the registry."""

from __future__ import annotations

import os
import plistlib
import sys
from pathlib import Path

from PySide6.QtCore import QSettings

from sidecar.paths import Paths

NAME = "inglenook"
RUN_KEY = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Run"


def command(paths: Paths) -> list[str]:
    """Program and words that open the window hidden; a frozen build is its own program."""
    words = [] if getattr(sys, "frozen", False) else ["-m", "app"]
    return [sys.executable, *words, "--background", *paths.as_argument()]


def set_enabled(enabled: bool, paths: Paths, platform: str = sys.platform, home: Path | None = None) -> None:
    """Make or remove the entry. Raises OSError."""
    if platform == "win32":
        _set_registry(command(paths) if enabled else None)
        return
    file = entry_file(platform, home or Path.home())
    if not enabled:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(launch_agent(command(paths)) if platform == "darwin" else desktop_entry(command(paths)))


def entry_file(platform: str, home: Path) -> Path:
    """Where the platform looks for it."""
    if platform == "darwin":
        return home / "Library" / "LaunchAgents" / f"{NAME}.plist"
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else home / ".config") / "autostart" / f"{NAME}.desktop"


def desktop_entry(words: list[str]) -> bytes:
    """An XDG autostart entry (Desktop Entry Specification 1.5; quoting of Exec as its section "The Exec key" says)."""
    line = " ".join(_quoted(word) for word in words)
    return f"[Desktop Entry]\nType=Application\nName=Inglenook\nExec={line}\nTerminal=false\n".encode()


def launch_agent(words: list[str]) -> bytes:
    """A property list for launchd."""
    return plistlib.dumps({"Label": NAME, "ProgramArguments": words, "RunAtLoad": True})


def _quoted(word: str) -> str:
    # Inside the quotes four characters are escaped; that backslash is then itself escaped as in any string value.
    for special in ("\\", '"', "`", "$"):
        word = word.replace(special, "\\\\" + special if special != "\\" else "\\\\\\\\")
    return '"' + word.replace("%", "%%") + '"'


def _set_registry(words: list[str] | None) -> None:
    settings = QSettings(RUN_KEY, QSettings.Format.NativeFormat)
    if words is None:
        settings.remove("Inglenook")
    else:
        settings.setValue("Inglenook", " ".join(f'"{word}"' for word in words))
    settings.sync()
