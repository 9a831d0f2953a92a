"""The models folder goes to another place: checked beforehand, by one rename or file by file, every hash compared.

The old folder is whole until the new one is; only then files leave it, and only those that the new one has. Nothing
here knows what uses the folder. Everything here blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sidecar import disk, hardware
from sidecar.errors import Conflict, DiskFull, EnvironmentFault, InvalidRequest
from sidecar.hub import hashing
from sidecar.storage import files

MB = 1 << 20
DRAFT = ".copying"
ROUNDS = 20  # of looking for what changed meanwhile
COARSEST_NS = 2_000_000_000  # between the times that file systems can remember
# What an empty disk has of its own.
OF_DISKS = frozenset({"lost+found", "System Volume Information", "$RECYCLE.BIN", ".DS_Store", ".Spotlight-V100",
                      ".fseventsd", ".Trashes"})  # fmt: skip


def check_target(source: Path, target: Path) -> None:
    """Raises InvalidRequest, Conflict, EnvironmentFault, DiskFull when the folder cannot be moved to `target`.

    Both are absolute, with links resolved.
    """
    if target == source:
        raise InvalidRequest(reason=f"folder: the models are in {source} already")
    if target.is_relative_to(source) or source.is_relative_to(target):
        raise InvalidRequest(reason=f"folder: {target} and the present folder {source} lie in each other")
    try:
        if target.exists() and not target.is_dir():
            raise InvalidRequest(reason=f"folder: {target} is a file")
        if not is_empty(target):
            raise Conflict(f"{target} is not empty. Choose an empty folder, or a new one.", reason="not empty")
        _try_writing(target)
        check_room(source, target)
    except OSError as error:
        raise EnvironmentFault(f"{target} cannot be used: {error}.", path=str(target)) from error


def is_empty(folder: Path) -> bool:
    """Whether nothing is in it but what disks have of their own; so is one that does not exist."""
    if not folder.is_dir():
        return True
    return all(place.name in OF_DISKS or place.name.startswith(".Trash-") for place in folder.iterdir())


def check_room(source: Path, target: Path) -> None:
    """Raises DiskFull with the numbers when what is not there yet does not fit."""
    if same_disk(source, target):
        return
    needed = files.weight([source]) - files.weight([target]) + disk.SPARE_BYTES
    if needed > (free := hardware.free_disk(target)):
        raise DiskFull(
            f"Moving the models to {target} needs {needed // MB + 1} MB there, where {free // MB} MB are free."
            " Free some space, or choose another folder.",
            path=str(target), needed_mb=needed // MB + 1, free_mb=free // MB,
        )  # fmt: skip


def same_disk(source: Path, target: Path) -> bool:
    """Whether a rename would do."""
    near = next(folder for folder in (target, *target.parents) if folder.exists())
    return not source.exists() or source.stat().st_dev == near.stat().st_dev


def rename(source: Path, target: Path) -> bool:
    """Move the folder by one rename; false, and nothing happened, where that cannot be done."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            target.rmdir()
        source.rename(target)
    except OSError:  # another disk, a mount point, on Windows a file that a model has open
        return False
    return True


@dataclass
class Copying:
    """One copy of the folder. `check` may raise to stop; `tell(file, done)` hears of progress, `done` from 0 to 1."""

    source: Path
    target: Path
    check: Callable[[], None]
    tell: Callable[[str, float], None]
    _total: int = 1
    _done: int = 0
    _first: dict[tuple[int, int], Path] = field(default_factory=dict)  # where a content with several names went

    def run(self) -> None:
        """Copy what is not there yet, again and again until nothing changed meanwhile.

        Raises what `check` raises, DiskFull, EnvironmentFault.
        """
        try:
            for _ in range(ROUNDS):
                if not (missing := self._missing()):
                    _flush_folders(self.target)
                    return
                self._round(missing)
        except OSError as error:
            raise _fault(error, self.target) from error
        message = f"Files in {self.source} change all the time. End what writes there, and move again."
        raise EnvironmentFault(message, path=str(self.source))

    def _round(self, missing: list[Path]) -> None:
        check_room(self.source, self.target)
        self._total, self._done = max(files.weight(missing), 1), 0
        for file in missing:
            self.check()
            self._one(file)

    def _missing(self) -> list[Path]:
        return [file for file in sorted(walk_lasting(self.source)) if not same(file, self._goal(file))]

    def _goal(self, file: Path) -> Path:
        return self.target / file.relative_to(self.source)

    def _one(self, file: Path) -> None:
        goal = self._goal(file)
        goal.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # it went away meanwhile
            if file.is_symlink():
                self._link(file, goal)
            elif not self._named_again(file, goal):
                self._copy(file, goal)

    def _link(self, file: Path, goal: Path) -> None:
        """A link leads where it led; one into the old folder leads into the new one."""
        leads = file.readlink()
        if leads.is_relative_to(self.source):
            leads = self.target / leads.relative_to(self.source)
        elif not leads.is_absolute() and not (file.parent / leads).resolve().is_relative_to(self.source):
            leads = (file.parent / leads).resolve()
        goal.unlink(missing_ok=True)
        goal.symlink_to(leads)

    def _named_again(self, file: Path, goal: Path) -> bool:
        """A content that is there under another name gets a second one, where the disk can do that."""
        status = file.stat()
        first = self._first.setdefault((status.st_dev, status.st_ino), goal)
        if status.st_nlink == 1 or first == goal or not same(file, first):
            return False
        goal.unlink(missing_ok=True)
        try:
            os.link(first, goal)
        except OSError:
            return False
        return True

    def _copy(self, file: Path, goal: Path) -> None:
        draft = goal.with_name(goal.name + DRAFT)
        status = file.stat()
        written = self._written(file, draft)
        if hashing.sha256(draft, self.check) != written:
            raise EnvironmentFault(
                f"{goal} reads back other than it was written: do not trust that disk. The models stay in {self.source}.",
                path=str(goal),
            )
        shutil.copymode(file, draft)
        os.utime(draft, ns=(status.st_atime_ns, status.st_mtime_ns))
        draft.replace(goal)

    def _written(self, file: Path, draft: Path) -> str:
        """The hash of what was read, once it is on the disk and no longer in memory."""
        digest = hashlib.sha256()
        with file.open("rb") as source, draft.open("wb") as copy:
            while piece := source.read(hashing.PIECE):
                copy.write(piece)
                digest.update(piece)
                self._done += len(piece)
                self.tell(file.name, min(self._done / self._total, 1.0))
                self.check()
            copy.flush()
            os.fsync(copy.fileno())
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return digest.hexdigest()


def walk_lasting(folder: Path) -> list[Path]:
    """The files and links of a models folder that are worth keeping: locks are not."""
    return [file for file in files.walk(folder) if file.suffix != ".lock" and not file.name.endswith(DRAFT)]


def same(file: Path, copy: Path) -> bool:
    """Whether `copy` is a finished copy of `file`."""
    try:
        one, other = file.lstat(), copy.lstat()
    except OSError:
        return False
    if file.is_symlink() or copy.is_symlink():
        return file.is_symlink() and copy.is_symlink()
    return one.st_size == other.st_size and abs(one.st_mtime_ns - other.st_mtime_ns) < COARSEST_NS


def empty(source: Path, target: Path) -> int:
    """Delete from the old folder what the new one has. Returns how many files are left there: those that are not ours."""
    for file in list(files.walk(source)):
        if file.suffix == ".lock" or file.name.endswith(DRAFT) or same(file, target / file.relative_to(source)):
            with contextlib.suppress(OSError):  # on Windows what a model has open goes at the next start
                file.unlink()
    _remove_empty(source)
    return sum(1 for _ in files.walk(source))


def discard(source: Path, target: Path, *, made: bool) -> None:
    """Delete what was copied, and `target` itself if it was `made` for this."""
    for file in list(files.walk(target)):
        original = source / file.relative_to(target)
        if file.name.endswith(DRAFT) or os.path.lexists(original):
            with contextlib.suppress(OSError):
                file.unlink()
    _remove_empty(target, itself=made)


def _remove_empty(folder: Path, *, itself: bool = True) -> None:
    for parent, _, _ in os.walk(folder, topdown=False):
        if itself or Path(parent) != folder:
            with contextlib.suppress(OSError):  # something is in it
                Path(parent).rmdir()


def _try_writing(target: Path) -> None:
    """Leaves nothing behind. Raises OSError."""
    made = not target.exists()
    target.mkdir(parents=True, exist_ok=True)
    probe = target / ".inglenook-writable"
    probe.write_bytes(b"")
    probe.unlink()
    if made:
        target.rmdir()


def _flush_folders(folder: Path) -> None:
    """The names of the files are on the disk too, where the system lets that be asked for."""
    for parent, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            descriptor = os.open(parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _fault(error: OSError, target: Path) -> EnvironmentFault:
    if disk.is_full(error):
        free = hardware.free_disk(target) // MB
        return DiskFull(f"The disk of {target} is full ({free} MB free). Free some space there and move again.",
                        path=str(target), free_mb=free)  # fmt: skip
    return EnvironmentFault(f"The models could not be copied to {target}: {error}.", path=str(target))
