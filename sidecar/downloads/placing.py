"""From verified contents to a model's folder: staged beside it, then there by one rename. Blocks: call it in a thread."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from sidecar.hub import hashing
from sidecar.hub.choosing import FileSet
from sidecar.hub.listing import Repository
from sidecar.registry.manifest import Manifest, ManifestFile, Manifests, described
from sidecar.types import DownloadRequest, RemoteFile

CONVERTED = "model.safetensors"
PICKLED = "pytorch_model"


class Places(Struct, frozen=True):
    """Where one download's files go: `staging` until they are whole, then `target`."""

    staging: Path
    target: Path

    @classmethod
    def of(cls, models_dir: Path, staging: Path, repository: Repository, chosen: FileSet) -> Places:
        name = repository.commit[:12]
        if chosen.format == "gguf":
            name += f"-{chosen.name}"
        folder = models_dir / repository.id.replace("/", "--") / name
        return cls(staging, folder)


def missing(manifests: Manifests, target: Path, chosen: FileSet) -> list[RemoteFile]:
    """The files of `chosen` that an earlier download of the same commit did not leave whole in `target`."""
    manifest = manifests.read(target)
    if manifest is None:
        return list(chosen.files)
    manifests.check(target, everything=False)
    converted = manifest.file(CONVERTED)
    here = {file.path for file in manifest.files if (target / file.path).is_file()}
    if converted is not None and converted.made_from and CONVERTED in here:
        here |= {file.path for file in chosen.files if file.path.startswith(PICKLED)}
    return [file for file in chosen.files if file.path not in here]


def pickles(files: Sequence[RemoteFile]) -> list[RemoteFile]:
    """The weights among them that have to be converted."""
    return [file for file in files if file.path.startswith(PICKLED) and file.path.endswith(".bin")]


def drop_pickles(staging: Path) -> None:
    """What was converted is no longer needed, and must not be loadable. Raises OSError."""
    for file in (*staging.glob(f"{PICKLED}*.bin"), *staging.glob(f"{PICKLED}*.json")):
        file.unlink()


def place(
    manifests: Manifests,
    places: Places,
    repository: Repository,
    chosen: FileSet,
    request: DownloadRequest,
    files: Sequence[RemoteFile],
) -> None:
    """Write the manifest and bring what is staged to its place. Raises OSError."""
    entries = [described(places.staging, file) for file in files if (places.staging / file.path).exists()]
    if pickled := pickles(files):
        entries.append(converted(places.staging, pickled))
    known = manifests.read(places.target)
    kept = [file for file in known.files if file.path not in {entry.path for entry in entries}] if known else []
    manifest = _manifest(repository, chosen, request, [*kept, *entries])
    manifests.write(places.staging, manifest)
    places.target.parent.mkdir(parents=True, exist_ok=True)
    try:
        places.staging.rename(places.target)
    except OSError:
        if not places.target.is_dir():
            raise
        _merge(places)
        for entry in entries:
            entry.modified_ns = (places.target / entry.path).stat().st_mtime_ns
        manifests.write(places.target, manifest)


def in_place(
    manifests: Manifests, folder: Path, repository: Repository, chosen: FileSet, request: DownloadRequest
) -> None:
    """The manifest of a model that stays where another program keeps it. Raises OSError."""
    entries = [described(folder, file) for file in chosen.files]
    manifests.write(folder, _manifest(repository, chosen, request, entries))


def _manifest(repository: Repository, chosen: FileSet, request: DownloadRequest, files: list[ManifestFile]) -> Manifest:
    return Manifest(
        repository=repository.id,
        commit=repository.commit,
        variant=chosen.name if request.files is None else None,
        files=sorted(files, key=lambda file: file.path),
        revision=repository.revision,
        fetched_at=time.time(),
        allowed=list(request.allow),
        licence=repository.licence,
        asked_files=request.files,
        entry=chosen.entry,
    )


def converted(staging: Path, pickled: list[RemoteFile]) -> ManifestFile:
    """The entry of what the pickled weights became. Raises OSError."""
    file = staging / CONVERTED
    made = RemoteFile(CONVERTED, file.stat().st_size, hashing.sha256(file))
    return described(staging, made, {source.path: hashing.key(source) for source in pickled})


def _merge(places: Places) -> None:
    """Fill what is missing in a folder that is there already: a repair, or another process was first."""
    for file in (file for file in places.staging.rglob("*") if file.is_file()):
        goal = places.target / file.relative_to(places.staging)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if not goal.exists() or goal.stat().st_size != file.stat().st_size:
            file.replace(goal)
    shutil.rmtree(places.staging, ignore_errors=True)
