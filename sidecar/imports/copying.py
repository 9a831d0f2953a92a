"""Copies what belongs to others into a folder of ours, and hashes what is ours then.

Foreign files are never linked: a program that writes its file anew in place would change ours with it. Where the disk
can share contents until one side is written, the system does that by itself, and the copy takes neither time nor room.
"""

from __future__ import annotations

import os
from pathlib import Path

from sidecar.errors import EnvironmentFault, IntegrityFailed
from sidecar.hub import hashing
from sidecar.imports.progress import Progress
from sidecar.imports.source import SourceFile
from sidecar.imports.staging import writing

PIECE = 64 << 20  # by the system
OWN_PIECE = hashing.PIECE
PASSES = 2  # over every byte: it is copied, then read again


def copy(file: SourceFile, target: Path, progress: Progress) -> str:
    """The SHA-256 of the copy. Raises Stopped, DiskFull, EnvironmentFault, IntegrityFailed for what is not what it should be."""
    with writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    before = _state(file.place)
    _copy_content(file, target, progress)
    if _state(file.place) != before or target.stat().st_size != file.bytes:
        raise EnvironmentFault(
            f"{file.place} was changed while it was copied. Import it again when the program that writes it is done.",
            path=str(file.place),
        )
    return checked(target, file, progress)


def checked(place: Path, file: SourceFile, progress: Progress) -> str:
    """The SHA-256 of the file at `place`. Raises Stopped, IntegrityFailed when it is another than `file` should have."""
    try:
        found = hashing.sha256(place, lambda: progress.moved(min(hashing.PIECE, file.bytes) // PASSES))
    except OSError as error:
        raise _unreadable(place, error) from error
    if file.sha256 is not None and found != file.sha256:
        raise IntegrityFailed(
            f"{file.path} is damaged: its SHA-256 is not {file.sha256[:12]}…, as where it comes from says. Nothing was imported.",
            file=file.path, reason="its SHA-256 is another",
        )  # fmt: skip
    return found


def _copy_content(file: SourceFile, target: Path, progress: Progress) -> None:
    try:
        source = file.place.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(file.place, error) from error
    with source, writing(target.parent), target.open("wb") as goal:
        if not _by_the_system(source.fileno(), goal.fileno(), progress):
            while piece := source.read(OWN_PIECE):
                goal.write(piece)
                progress.moved(len(piece) // PASSES)


def _by_the_system(source: int, goal: int, progress: Progress) -> bool:
    """Whether the system copied all of it; it cannot on every platform and between all disks."""
    if not hasattr(os, "copy_file_range"):
        return False
    done = 0
    while True:
        try:
            count = os.copy_file_range(source, goal, PIECE)
        except OSError:
            if done:
                raise
            return False
        if count == 0:
            return done > 0 or os.fstat(source).st_size == 0
        done += count
        progress.moved(count // PASSES)


def _state(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError as error:
        raise _unreadable(file, error) from error
    return found.st_size, found.st_mtime_ns


def _unreadable(file: Path, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(f"{file} cannot be read: {error.strerror or error}.", path=str(file))
