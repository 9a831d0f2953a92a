"""Services that are killed, find their disk full, or have to wait for it, exactly at the step that a test names.

The services that start afterwards get a `sitecustomize` that listens to what Python itself tells of every file.
"""

from __future__ import annotations

from pathlib import Path

import pytest

# Kills the process just before the n-th time that it does something to a file of that name.
KILLER = """
import os, signal, sys
wanted, name, count = os.environ["KILL_AT"].split("|")
left = int(count)
def heard(event, arguments):
    global left
    if event == wanted and str(arguments[1 if event == "os.rename" else 0]).endswith(name):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(heard)
"""
# Writes into a file until there is no room for one more byte, once, when a file of that name is opened.
FILLER = """
import os, sys
name, filler = os.environ["FILL_AT"].split("|")
filled = False
def heard(event, arguments):
    global filled
    if event == "open" and str(arguments[0]).endswith(name) and not filled:
        filled = True
        place = os.open(filler, os.O_WRONLY | os.O_CREAT)
        for piece in (bytes(1 << 20), b"x"):
            try:
                while os.write(place, piece) == len(piece):
                    pass
            except OSError:
                continue
        os.close(place)
sys.addaudithook(heard)
"""
# Lets a disk be slow: a tenth of a second for each file of such a name.
SLOW = """
import os, sys, time
name = os.environ["SLOW_AT"]
def heard(event, arguments):
    if event == "open" and str(arguments[0]).endswith(name):
        time.sleep(0.1)
sys.addaudithook(heard)
"""


def kill_at(point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services that start from now on end there. `point`: "event|end of the file's name|how manieth time"."""
    _sabotage(KILLER, tmp_path, monkeypatch)
    monkeypatch.setenv("KILL_AT", point)


def fill_at(name: str, filler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services that start from now on find the disk of `filler` full once they open a file whose name ends so."""
    _sabotage(FILLER, tmp_path, monkeypatch)
    monkeypatch.setenv("FILL_AT", f"{name}|{filler}")


def slow_at(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services that start from now on wait a tenth of a second whenever they open a file whose name ends so."""
    _sabotage(SLOW, tmp_path, monkeypatch)
    monkeypatch.setenv("SLOW_AT", name)


def _sabotage(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(code, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
