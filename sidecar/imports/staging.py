"""A folder in which a model comes together before one rename puts it in its place, and what a crash leaves of it.

Each has a lock that its process holds: whatever is not locked belongs to nobody, and is deleted at the next start.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import filelock

from sidecar import disk
from sidecar.errors import EnvironmentFault
from sidecar.registry.manifest import IMPORTING

ARRIVING = "arriving"  # files from addresses, which go on where they were
ARRIVING_DAYS = 7
LOCK, DRAFT, MODEL = ".lock", "draft", "model"
DRAFT_SUFFIX = ".part"
LOOKED_AT_SECONDS = 0.2  # at most, by somebody who only asks whether it is free


class Staging:
    """An empty folder `place` on the disk of the models, between `open` and `close`."""

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._folder = models_dir / IMPORTING / secrets.token_hex(6)
        self._lock = filelock.FileLock(_lock_of(self._folder), thread_local=False)

    @property
    def place(self) -> Path:
        return self._folder / MODEL

    def open(self) -> None:
        """Raises DiskFull, EnvironmentFault."""
        with writing(self._models_dir):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=LOOKED_AT_SECONDS)
            self.place.mkdir(parents=True)

    def close(self) -> None:
        """Delete what was not renamed away."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.release()
        with contextlib.suppress(OSError):  # on Windows an open file cannot be deleted
            _lock_of(self._folder).unlink(missing_ok=True)


@contextmanager
def drafting(models_dir: Path, draft: Path) -> Iterator[None]:
    """Within the block `draft`, a file somewhere else, is remembered, so that a crash does not leave it there for ever."""
    folder = Staging(models_dir)
    with (
        contextlib.suppress(EnvironmentFault),
        writing(models_dir),
    ):  # a full disk must not keep a model from leaving it
        folder.open()
        (folder.place / DRAFT).write_text(str(draft), "utf-8")
    try:
        yield
    finally:
        folder.close()


def strays(models_dir: Path) -> list[Path]:
    """What nobody works on: left behind by a kill, or fetched from an address by an attempt that failed."""
    return [place for lock in _locks(models_dir) if _is_free(lock) for place in _belonging(lock)]


def sweep(models_dir: Path, arriving_days: float = ARRIVING_DAYS) -> None:
    """Delete what was left behind; files from addresses only if they are older. What another service works on stays."""
    for lock in _locks(models_dir):
        with _unowned(lock) as unowned:
            if unowned and (lock.parent.name != ARRIVING or _is_older(lock, arriving_days)):
                for place in (*_belonging(lock), lock):
                    _delete(place)


def _locks(models_dir: Path) -> list[Path]:
    """Of everything on its way, also of what has none any more."""
    folder = models_dir / IMPORTING
    arriving = {part.with_suffix(LOCK) for part in (folder / ARRIVING).glob("*.part")}
    return [*folder.glob(f"*{LOCK}"), *arriving]


def _belonging(lock: Path) -> list[Path]:
    """What it protects, as far as it is there: a folder and the draft that it remembers, or a part and its note."""
    folder = lock.with_suffix("")
    found = [folder, lock.with_suffix(".part"), lock.with_suffix(".json")]
    with contextlib.suppress(OSError):
        draft = Path((folder / MODEL / DRAFT).read_text("utf-8"))
        found += [draft] if draft.suffix == DRAFT_SUFFIX else []
    return [place for place in found if place.exists()]


def _is_older(lock: Path, days: float) -> bool:
    return all(place.stat().st_mtime <= time.time() - days * 86400 for place in _belonging(lock))


def _is_free(lock: Path) -> bool:
    with _unowned(lock) as unowned:
        return unowned


@contextmanager
def _unowned(lock: Path) -> Iterator[bool]:
    """Whether nobody holds the lock; nobody else takes it within the block then."""
    held = filelock.FileLock(lock, thread_local=False)
    try:
        held.acquire(timeout=0)
    except (filelock.Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        held.release()


def _delete(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
        return
    with contextlib.suppress(OSError):  # on Windows an open file cannot be deleted
        place.unlink(missing_ok=True)


def _lock_of(place: Path) -> Path:
    return place.with_name(place.name + LOCK)


def writing(folder: Path) -> AbstractContextManager[None]:
    """Faults of the disk in the block become DiskFull and EnvironmentFault."""
    return disk.writing(folder, "What was begun there is deleted: free some space and try again.")
