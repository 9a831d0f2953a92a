"""Contents on their way, by their hash: so nothing is fetched twice, by two downloads, two attempts or two processes.

A `.part` is what has arrived of a content; without that ending it is whole and verified. Whoever works on one holds its
lock, and gives it a second name in the staging folder of the download, where nobody else removes it. Everything here
blocks: call it in a thread.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from sidecar import disk
from sidecar.hub import hashing
from sidecar.registry.manifest import PARTIAL, QUARANTINE, Manifests
from sidecar.types import RemoteFile

LOCK_POLL_SECONDS = 0.1


class Parts:
    """The folder of unfinished contents inside the models folder."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests

    @property
    def folder(self) -> Path:
        return self._manifests.models_dir / PARTIAL

    def whole(self, file: RemoteFile) -> Path:
        """Where the content is once it is verified."""
        return self.folder / hashing.key(file)

    def part(self, file: RemoteFile) -> Path:
        return self.folder / f"{hashing.key(file)}.part"

    def staging(self, job_id: str) -> Path:
        """The folder in which a download's verified files come together."""
        return self.folder / job_id

    def is_staged(self, job_id: str, file: RemoteFile) -> bool:
        """Whether the download has the file, verified."""
        place = self.staging(job_id) / file.path
        return place.is_file() and place.stat().st_size == file.bytes

    def stage(self, job_id: str, file: RemoteFile) -> None:
        """Give the verified content its name in the download's folder. Raises DiskFull, EnvironmentFault."""
        place = self.staging(job_id) / file.path
        with disk.writing(place.parent):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            try:
                os.link(self.whole(file), place)
            except OSError:  # a disk that knows no second names
                self.whole(file).replace(place)

    def here(self, job_id: str, file: RemoteFile) -> int:
        """Bytes of it that have arrived."""
        for place in (self.staging(job_id) / file.path, self.whole(file), self.part(file)):
            with contextlib.suppress(FileNotFoundError):
                return min(place.stat().st_size, file.bytes)
        return 0

    @contextmanager
    def locked(self, file: RemoteFile, stopped: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Holds the content's lock; yields whether it has it, which it has not when `stopped` came true while waiting."""
        self._make_folder()
        lock = filelock.FileLock(self.folder / f"{hashing.key(file)}.lock")
        try:
            lock.acquire(poll_interval=LOCK_POLL_SECONDS, cancel_check=stopped)
        except filelock.Timeout:
            yield False
            return
        with lock:
            lock.release()  # what acquire() counted; leaving the block lets go
            yield True

    def take_over(self, donor: Path, file: RemoteFile) -> None:
        """Use a verified file that is on this machine already. Raises DiskFull, EnvironmentFault."""
        self._make_folder()
        with disk.writing(self.folder):
            link_or_copy(donor, self.whole(file))

    def verified(self, file: RemoteFile) -> None:
        """The part proved to be what it should be."""
        self.part(file).replace(self.whole(file))

    def set_aside(self, file: RemoteFile) -> Path:
        """Move a part that is not what it should be into the quarantine. Raises DiskFull, EnvironmentFault."""
        quarantine = self._manifests.models_dir / QUARANTINE
        place = quarantine / f"{time.strftime('%Y%m%d-%H%M%S')}-{hashing.key(file)[:12]}" / Path(file.path).name
        with disk.writing(quarantine):
            place.parent.mkdir(parents=True, exist_ok=True)
            self.part(file).replace(place)
        return place

    def drop(self, file: RemoteFile) -> None:
        """Forget what is here of it, unless somebody works on it."""
        self._drop(hashing.key(file))

    def names(self) -> set[str]:
        """Of everything on its way: the hashes of contents, and the downloads that have a staging folder."""
        folder = self.folder
        return {place.name.split(".")[0] for place in folder.iterdir()} if folder.is_dir() else set()

    def places(self, name: str) -> list[Path]:
        """Where the content or the staging folder of that name lies."""
        return [place for place in (self.folder / name, self.folder / f"{name}.part") if place.exists()]

    def drop_stray(self, name: str) -> None:
        """Delete what nobody wants any more: a content, or a staging folder."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        self._drop(name)

    def _drop(self, key: str) -> None:
        lock = self.folder / f"{key}.lock"
        try:
            with filelock.FileLock(lock).acquire(timeout=0):
                for place in (self.folder / key, self.folder / f"{key}.part"):
                    place.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # on Windows an open file cannot be deleted
                    lock.unlink()
        except (filelock.Timeout, OSError):
            return

    def _make_folder(self) -> None:
        with disk.writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for the file where the disk can do that, else a copy. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    real = source.resolve()  # the hub's cache holds symbolic links
    try:
        os.link(real, target)
    except OSError:
        draft = target.with_name(f"{target.name}.copying")
        shutil.copy2(real, draft)
        draft.replace(target)
