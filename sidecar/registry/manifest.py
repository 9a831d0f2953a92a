"""What a model's files were when they were verified: a manifest beside them, and whether they still are that.

A model that came from elsewhere and stays where it is has its manifest in the models folder. Damaged files of ours are
set aside in the quarantine; files of others are only told of. Everything here blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from sidecar import decoding
from sidecar.hub import hashing
from sidecar.types import RemoteFile

log = logging.getLogger(__name__)

NAME = "inglenook-manifest.json"
PARTIAL, QUARANTINE, ELSEWHERE, TRASH = ".partial", ".quarantine", ".manifests", ".trash"
IMPORTING = ".importing"


class ManifestFile(Struct):
    """A verified file. `modified_ns` is its time when it was verified; `made_from`: what it was converted from, by hash."""

    path: str
    bytes: int
    sha256: str | None = None
    git_id: str | None = None
    modified_ns: int = 0
    made_from: dict[str, str] = {}

    @property
    def announced(self) -> RemoteFile:
        return RemoteFile(self.path, self.bytes, self.sha256, self.git_id)


class Manifest(Struct):
    """Where a model came from, what the user permitted, and every file. `entry`: the file to load, where it is not the folder.

    `source`: the path or address that it was imported from, instead of a repository. `for_file`: it stands for the model
    `entry` alone, in a folder of others' where other models lie too, and is found by that file's path.
    """

    repository: str
    commit: str
    variant: str | None
    files: list[ManifestFile]
    revision: str = "main"
    fetched_at: float = 0.0
    allowed: list[str] = []
    licence: str | None = None
    endpoint: str = ""
    asked_files: list[str] | None = None
    entry: str | None = None
    source: str = ""
    for_file: bool = False

    def file(self, path: str) -> ManifestFile | None:
        return next((file for file in self.files if file.path == path), None)


class Checked(Struct, frozen=True):
    """What a check found. `damaged` files of ours were set aside."""

    manifest: Manifest
    root: Path
    verified: int
    damaged: list[str]
    missing: list[str]

    @property
    def whole(self) -> bool:
        return not self.damaged and not self.missing


class Manifests:
    """The manifests of the models that this installation knows. `models_dir` is the folder whose files are ours."""

    def __init__(self, models_dir: Path) -> None:
        self.models_dir = models_dir

    def read(self, root: Path) -> Manifest | None:
        """The manifest of the model in the folder `root`, or of the one file `root`; None without a readable one."""
        file = self._file(root)
        try:
            return decoding.from_json(file.read_bytes(), Manifest)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("the manifest %s is not readable: %s", file, error)
            return None

    def write(self, root: Path, manifest: Manifest) -> None:
        """Put `manifest` beside the files, or where those are not ours into the models folder. Raises OSError."""
        file = self._file(root / manifest.entry if manifest.for_file and manifest.entry else root)
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        draft.replace(file)

    def find(self, path: Path) -> tuple[Path, Manifest] | None:
        """The folder and manifest of the model at `path`, which may be a file within its folder."""
        for root in (path, *path.parents):
            if (found := self.read(root)) is not None:
                return (root.parent if found.for_file else root), found
            if root == self.models_dir:
                return None
        return None

    def is_ours(self, root: Path) -> bool:
        """Whether files in `root` may be moved and deleted."""
        return root.resolve().is_relative_to(self.models_dir.resolve())

    def files(self) -> Iterator[ManifestFile]:
        """Every file of a model here."""
        for _, manifest in self._all():
            yield from manifest.files

    def holder(self, wanted: RemoteFile) -> Path | None:
        """A file with the wanted content that a model here or in the trash has, unchanged since it was verified."""
        for root, manifest in self._all():
            for file in manifest.files:
                same = file.sha256 == wanted.sha256 and file.git_id == wanted.git_id and file.bytes == wanted.bytes
                if same and not _changed(root, file):
                    return root / file.path
        return None

    def check(self, path: Path, *, everything: bool, check: Callable[[], None] = lambda: None) -> Checked | None:
        """Compare files with their hashes: all of them, or those that changed since. None for a model without a manifest.

        `check` is called between pieces and may raise to stop. Raises OSError.
        """
        if (found := self.find(path)) is None:
            return None
        root, manifest = found
        suspects = [file for file in manifest.files if everything or _changed(root, file)]
        missing = [file.path for file in suspects if not (root / file.path).is_file()]
        present = [file for file in suspects if file.path not in missing]
        damaged = [file.path for file in present if hashing.differs(root / file.path, file.announced, check)]
        for path_ in damaged:
            self.set_aside(root, path_)
        self._refresh(root, manifest, [file for file in present if file.path not in damaged])
        return Checked(manifest, root, len(manifest.files) - len(damaged) - len(missing), damaged, missing)

    def set_aside(self, root: Path, path: str) -> None:
        """Move a damaged file of ours into the quarantine; one of others stays, and its model cannot be loaded. Raises OSError."""
        if not self.is_ours(root):
            return
        place = self.models_dir / QUARANTINE / f"{time.strftime('%Y%m%d-%H%M%S')}-{root.parent.name}-{root.name}" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        (root / path).replace(place)
        log.warning("the damaged file %s was moved to %s", root / path, place)

    def _refresh(self, root: Path, manifest: Manifest, sound: list[ManifestFile]) -> None:
        """Remember the times of files that were just found sound, so that they are not read again."""
        stale = [file for file in sound if file.modified_ns != (root / file.path).stat().st_mtime_ns]
        for file in stale:
            file.modified_ns = (root / file.path).stat().st_mtime_ns
        if stale:
            self.write(root, manifest)

    def _file(self, root: Path) -> Path:
        if self.is_ours(root):
            return root / NAME
        return self.models_dir / ELSEWHERE / f"{hashlib.sha256(str(root).encode()).hexdigest()[:16]}.json"

    def _all(self) -> Iterator[tuple[Path, Manifest]]:
        for pattern in (f"*/*/{NAME}", f"{TRASH}/*/files/*/*/{NAME}"):
            for file in self.models_dir.glob(pattern):
                if (found := self.read(file.parent)) is not None:
                    yield file.parent, found


def owning_folder(models_dir: Path, path: Path) -> Path:
    """The folder that was fetched as a whole for the model at `path`, which may be a file in it; else `path` itself."""
    inside = models_dir.resolve()
    for root in (path.resolve(), *path.resolve().parents):
        if not root.is_relative_to(inside) or root == inside:
            break
        if (root / NAME).is_file():
            return root
    return path


def left_behind(models_dir: Path) -> bool:
    """Whether imports left something unfinished there, or are at work now. Blocks on the disk."""
    return (models_dir / IMPORTING).is_dir()


def described(root: Path, announced: RemoteFile, made_from: dict[str, str] | None = None) -> ManifestFile:
    """The entry of a file that was just verified. Raises OSError."""
    modified = (root / announced.path).stat().st_mtime_ns
    return ManifestFile(
        announced.path, announced.bytes, announced.sha256, announced.git_id, modified, made_from or {}
    )  # fmt: skip


def _changed(root: Path, file: ManifestFile) -> bool:
    """Whether it is gone, or its size or time is not that of the verified file."""
    try:
        found = (root / file.path).stat()
    except OSError:
        return True
    return found.st_size != file.bytes or found.st_mtime_ns != file.modified_ns
