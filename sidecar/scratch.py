"""A worker's folders in the system's temporary folder. Their names say whose they are, because workers may end abruptly.

Removed by the worker itself, else by the service when the worker has ended, else by the next worker that makes one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

PREFIX = "inglenook-worker-"


def new_folder() -> Path:
    """That only this user may enter. Raises OSError where none can be made."""
    for left in _all():
        owner = left.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))


def remove_folders_of(process: int) -> None:
    """To be called once it has ended."""
    for left in _all(f"{process}-"):
        shutil.rmtree(left, ignore_errors=True)


def _all(owner: str = "") -> list[Path]:
    found = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")  # always the same pattern: Python keeps hundreds, compiled
    return [folder for folder in found if folder.name.startswith(f"{PREFIX}{owner}")]
