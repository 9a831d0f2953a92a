"""The platform's entries for starting at login."""

import plistlib
import subprocess

import pytest

from app import start_at_login
from sidecar.paths import Paths


def exec_words(entry):
    """The words of an Exec line, decoded as the Desktop Entry Specification says: string escapes first, then quotes."""
    line = next(line for line in entry.decode().splitlines() if line.startswith("Exec="))
    quoted = line.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%")
    shell = subprocess.run(["/bin/sh", "-c", f"printf '%s\\n' {quoted}"], capture_output=True, text=True, check=True)
    return shell.stdout.splitlines()


@pytest.mark.parametrize("word", ["plain", "two words", 'a "quote"', "$HOME", "back\\slash", "100%", "`tick`"])
def test_any_path_survives_the_quoting_of_a_desktop_entry(word):
    assert exec_words(start_at_login.desktop_entry(["/usr/bin/python", word])) == ["/usr/bin/python", word]


def test_the_entry_is_made_and_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    paths = Paths.in_folder(tmp_path / "data")
    file = tmp_path / "autostart" / "inglenook.desktop"
    start_at_login.set_enabled(True, paths, "linux", tmp_path)
    assert exec_words(file.read_bytes())[-3:] == ["--background", "--data-dir", str(tmp_path / "data")]
    start_at_login.set_enabled(False, paths, "linux", tmp_path)
    assert not file.exists()


def test_removing_an_entry_that_is_not_there_is_no_error(tmp_path):
    start_at_login.set_enabled(False, Paths.in_folder(tmp_path), "darwin", tmp_path)


def test_a_launch_agent_runs_the_same_words(tmp_path):
    start_at_login.set_enabled(True, Paths.in_folder(tmp_path), "darwin", tmp_path)
    agent = plistlib.loads((tmp_path / "Library/LaunchAgents/inglenook.plist").read_bytes())
    assert agent["RunAtLoad"]
    assert agent["ProgramArguments"] == start_at_login.command(Paths.in_folder(tmp_path))
