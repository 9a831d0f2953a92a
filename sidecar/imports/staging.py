"""A folder in which a model comes together before one rename puts it in its place, and what a crash leaves of it.

Each has a lock that its process holds: whatever is not locked belongs to nobody, and is deleted at the next start.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from sidecar.errors import DiskFull, EnvironmentFault
from sidecar.registry.manifest import IMPORTING

ARRIVING = "arriving"  # files from addresses, which go on where they were
ARRIVING_DAYS = 7
LOCK = ".lock"


class Staging:
    """An empty folder `place` on the disk of the models, between `open` and `close`."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._folder = models_dir / IMPORTING / secrets.token_hex(6)
        self._lock = filelock.FileLock(_lock_of(self._folder), thread_local=False)

    @property
    def place(self) -> Path:
        return self._folder / "model"

    def open(self) -> None:
        """Raises DiskFull, EnvironmentFault."""
        with writing(self._models_dir):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            self.place.mkdir(parents=True)

    def close(self) -> None:
        """Delete what was not renamed away."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()
        with contextlib.suppress(OSError):  # on Windows an open file cannot be deleted
            _lock_of(self._folder).unlink(missing_ok=True)


def sweep(models_dir: Path) -> None:
    """Delete what imports that were killed left behind. What another service works on stays."""
    folder = models_dir / IMPORTING
    if not folder.is_dir():
        return
    for place in folder.iterdir():
        if place.suffix == LOCK:
            _sweep_one(place.with_suffix(""))
    for file in (folder / ARRIVING).glob("*"):
        if file.stat().st_mtime < time.time() - ARRIVING_DAYS * 86400:
            file.unlink(missing_ok=True)


def _sweep_one(place: Path) -> None:
    try:
        with filelock.FileLock(_lock_of(place)).acquire(timeout=0):
            shutil.rmtree(place, ignore_errors=True)
            _lock_of(place).unlink()
    except (filelock.Timeout, OSError):
        return


def _lock_of(place: Path) -> Path:
    return place.with_name(place.name + LOCK)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Faults of the disk in the block become DiskFull and EnvironmentFault."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = (
                f"The disk that holds {folder} is full. What was begun there is deleted: free some space and try again."
            )
            raise DiskFull(message, path=str(folder)) from error
        raise EnvironmentFault(f"{folder} cannot be written: {error}.", path=str(folder)) from error
