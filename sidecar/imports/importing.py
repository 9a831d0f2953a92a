"""One model's way in: checked, copied or linked, verified, placed by one rename. Nothing of it can be loaded before that.

What a model's files are when they stay with another program is written into a manifest of ours, and nothing else.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sidecar import disk
from sidecar.downloads import placing
from sidecar.downloads.parts import link_or_copy
from sidecar.errors import InvalidRequest, UnsafeFiles
from sidecar.hub import hashing, safety
from sidecar.hub.choosing import FileSet
from sidecar.hub.listing import Repository
from sidecar.imports import bundles, copying
from sidecar.imports.progress import Progress
from sidecar.imports.source import Source, SourceFile, model_id
from sidecar.imports.staging import writing
from sidecar.registry.gguf_model import gguf_files
from sidecar.registry.inspect import Inspection, inspect
from sidecar.registry.manifest import Manifest, ManifestFile, Manifests, described
from sidecar.registry.store import located
from sidecar.types import FileFormat, RemoteFile

FOLDER = "_imported"  # no repository of the hub has such a name, so no download ever looks for its files here


@dataclass(frozen=True)
class Placed:
    """A model in its place, not yet known. `new`: nothing of it was there before."""

    path: Path
    root: Path
    inspection: Inspection
    new: bool


class Importer:
    """Brings models into `manifests.models_dir`, or takes note of those that stay where they are."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests

    @property
    def models_dir(self) -> Path:
        return self._manifests.models_dir

    # ---- before -----------------------------------------------------------------------------------------------------

    def check(self, sources: list[Source], allow: Iterable[str], *, in_place: bool) -> None:
        """Raises InvalidRequest, UnsafeFiles for what cannot be imported, DiskFull with the numbers."""
        for source in sources:
            if source.problem:
                raise InvalidRequest(reason=f"{source.name}: {source.problem}")
            if in_place:
                self._check_in_place(source)
            else:
                safety.check(*_as_repository(source), allow)
        if not in_place:
            self._check_room(sources)

    def _check_in_place(self, source: Source) -> None:
        if source.usable_at is None:
            raise InvalidRequest(reason=f"in_place: {source.path} has to be unpacked")
        if source.pickled:
            raise InvalidRequest(reason=f"in_place: the weights in {source.path} have to be converted first")
        if self._manifests.is_ours(source.usable_at):
            raise InvalidRequest(reason=f"in_place: {source.usable_at} is in the folder for models already")

    def _check_room(self, sources: list[Source]) -> None:
        """What may be here already is not counted: the copy itself would still say so."""
        sizes = self._sizes()
        files = [(file, source) for source in sources for file in source.files if not file.ours]
        needed = sum(file.bytes for file, _ in files if file.bytes not in sizes)
        needed += sum(file.bytes for file, source in files if source.pickled)  # beside what they are converted to
        disk.require_room(needed, self.models_dir)

    def _sizes(self) -> set[int]:
        """Of all files that models here have."""
        return {file.bytes for file in self._manifests.files()}

    # ---- a copy of our own ------------------------------------------------------------------------------------------

    def bring(self, source: Source, folder: Path, progress: Progress) -> list[ManifestFile]:
        """Have every file whole and verified in the empty `folder`. Raises Stopped, DiskFull, EnvironmentFault, IntegrityFailed."""
        progress.begin("copying and verifying", source.bytes)
        linked = partial(self._linked, self._sizes())
        if source.kind == "bundle":
            return bundles.unpack(source, folder, linked, progress)
        return [self._brought(file, folder, linked, progress) for file in source.files]

    def _brought(self, file: SourceFile, folder: Path, linked: bundles.Linked, progress: Progress) -> ManifestFile:
        target = folder / file.path
        if file.ours:
            with writing(folder):
                link_or_copy(file.place, target)
            return _entry(folder, file, copying.checked(target, file, progress))
        if (entry := linked(file, folder, progress)) is not None:
            return entry
        return _entry(folder, file, copying.copy(file, target, progress))

    def _linked(self, sizes: set[int], file: SourceFile, folder: Path, progress: Progress) -> ManifestFile | None:
        """The same content that a model here has, under a second name; None where there is none.

        Only where a file of the same size is here is it worth reading this one to know.
        """
        if file.bytes not in sizes:
            return None
        found = file.sha256 or hashing.sha256(file.place, progress.stop.check)
        donor = self._manifests.holder(RemoteFile(file.path, file.bytes, found))
        if donor is None:
            return None
        with writing(folder):
            link_or_copy(donor, folder / file.path)
        progress.moved(file.bytes)
        return _entry(folder, file, found)

    def converted(self, folder: Path, entries: list[ManifestFile]) -> list[ManifestFile]:
        """The entries once the pickled weights among them were converted in `folder`. Raises OSError."""
        pickled = placing.pickles([entry.announced for entry in entries])
        placing.drop_pickles(folder)
        kept = [entry for entry in entries if (folder / entry.path).exists()]
        return [*kept, placing.converted(folder, pickled)]

    def place(self, source: Source, folder: Path, entries: list[ManifestFile]) -> Placed:
        """Bring the folder to its place by one rename. Raises UnsafeFiles when no engine here can use it, OSError."""
        inspection = self._inspected(source, folder)
        target = self.target(source, entries)
        self._manifests.write(folder, _manifest(source, entries))
        target.parent.mkdir(parents=True, exist_ok=True)
        new = not target.exists()
        try:
            folder.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            self._fill(target, folder, source, entries)  # an earlier import of the same content, which may lack some
        return Placed(target / source.entry if source.entry else target, target, inspection, new)

    def target(self, source: Source, entries: list[ManifestFile]) -> Path:
        """Where a model of this content lies: the same for the same files."""
        told = "".join(f"{entry.path}\0{entry.sha256}\n" for entry in sorted(entries, key=lambda entry: entry.path))
        name = model_id(source.name).replace("/", "--")
        return self.models_dir / FOLDER / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"

    def _fill(self, target: Path, folder: Path, source: Source, entries: list[ManifestFile]) -> None:
        self._manifests.check(target, everything=False)
        for entry in entries:
            goal = target / entry.path
            if not goal.is_file() or goal.stat().st_size != entry.bytes:
                goal.parent.mkdir(parents=True, exist_ok=True)
                (folder / entry.path).replace(goal)
            entry.modified_ns = goal.stat().st_mtime_ns
        self._manifests.write(target, _manifest(source, entries))

    def _inspected(self, source: Source, folder: Path) -> Inspection:
        try:
            return inspect(folder / source.entry if source.entry else folder)
        except InvalidRequest as error:
            reason = f"no engine here can use its files: {error.details['reason'].replace(str(folder), 'it')}."
            raise UnsafeFiles(f"{source.name!r} is not imported: {reason}", model=source.name, reason=reason) from error

    # ---- where it is ------------------------------------------------------------------------------------------------

    def take_note(self, source: Source, progress: Progress) -> Placed:
        """Hash every file where it is, and remember that. Raises Stopped, UnsafeFiles, EnvironmentFault, IntegrityFailed."""
        path = located(source.usable_at or source.path)
        alone, root = path.is_file(), path.parent if path.is_file() else path
        progress.begin("verifying", source.bytes)
        try:
            inspection = inspect(path)
        except InvalidRequest as error:
            reason = error.details["reason"]
            raise UnsafeFiles(
                f"{source.name!r} is not imported: {reason}.", model=source.name, reason=reason
            ) from error
        own = set(gguf_files(path).all) if alone else None  # other models share what else lies there
        files = [file for file in source.files if own is None or located(file.place) in own]
        entries = [_noted(root, file, progress) for file in files if located(file.place).is_relative_to(root)]
        with writing(self.models_dir):
            self._manifests.write(root, _manifest(source, entries, for_file=path.name if alone else None))
        return Placed(path, root, inspection, new=False)

    def discard(self, placed: Placed) -> None:
        """Delete what was placed and could not be made known."""
        if placed.new and self._manifests.is_ours(placed.root):
            shutil.rmtree(placed.root, ignore_errors=True)


def _noted(root: Path, file: SourceFile, progress: Progress) -> ManifestFile:
    name = located(file.place).relative_to(root).as_posix()
    there = SourceFile(name, file.place, file.bytes, file.sha256)
    return _entry(root, there, copying.checked(file.place, there, progress))


def _entry(folder: Path, file: SourceFile, sha256: str) -> ManifestFile:
    return described(folder, RemoteFile(file.path, file.bytes, sha256))


def _as_repository(source: Source) -> tuple[Repository, FileSet]:
    """As if it came from the hub, for the same checks of names and kinds."""
    files = [RemoteFile(file.path, file.bytes) for file in source.files]
    kind: FileFormat = "pickle" if source.pickled else "gguf" if source.entry else "safetensors"
    repository = Repository(source.name, revision="", commit="", read_at=0.0, files=files)
    return repository, FileSet("all", kind, "", tuple(files))


def _manifest(source: Source, entries: list[ManifestFile], for_file: str | None = None) -> Manifest:
    return Manifest(
        repository="",
        commit="",
        variant=None,
        files=sorted(entries, key=lambda entry: entry.path),
        fetched_at=time.time(),
        licence=source.licence,
        entry=for_file or source.entry,
        source=source.address or str(source.path),
        for_file=for_file is not None,
    )
