"""Removed models, until they are brought back or deleted for good: a folder each in `.trash`, with a record of what it was.

A removal that was interrupted never happened: until its record is settled, the next start brings the model back. So
does one of a restoration, which unsettles the record first. Everything here blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from sidecar import decoding, disk
from sidecar.errors import Conflict, DiskFull, EnvironmentFault, TrashNotFound
from sidecar.registry.manifest import TRASH, ManifestFile, Manifests
from sidecar.registry.store import Model, ModelOptions
from sidecar.runtime.protocol import ModelFacts
from sidecar.storage import files
from sidecar.storage.files import Removable
from sidecar.types import ModelType, Origin

log = logging.getLogger(__name__)

RECORD = "record.json"
FILES = "files"


class Record(Struct, kw_only=True):
    """One removed model. `moved`: what was renamed, relative to the models folder, in which `path` lies too if it `is_ours`.

    `untold`: what the manifest in `manifest_in` no longer tells, as it stayed with files that another model needs.
    """

    id: str
    model: str
    model_type: ModelType
    path: str
    is_ours: bool
    engine: str
    origin: Origin
    options: ModelOptions
    facts: ModelFacts | None
    created_at: float
    last_used_at: float | None
    version: str
    deleted_at: float
    moved: list[str]
    manifest_in: str = ""
    untold: list[ManifestFile] = []
    settled: bool = False

    def known(self, models_dir: Path) -> Model:
        """The model as it was."""
        path = models_dir / self.path if self.is_ours else Path(self.path)
        return Model(
            self.model, self.model_type, path, self.engine, self.options, self.origin, self.created_at,
            self.last_used_at, self.facts,
        )  # fmt: skip


class Trash:
    """The trash of the models folder that `manifests` knows."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests

    @property
    def folder(self) -> Path:
        return self._manifests.models_dir / TRASH

    def all(self) -> list[Record]:
        """Every record, the newest first."""
        records = [_read(file) for file in self.folder.glob(f"*/{RECORD}")]
        return sorted((record for record in records if record), key=lambda record: -record.deleted_at)

    def get(self, trash_id: str) -> Record:
        """Raises TrashNotFound."""
        found = next((record for record in self.all() if record.id == trash_id), None)
        if found is None:
            raise TrashNotFound(trash=trash_id)
        return found

    def weight(self, record: Record) -> int:
        """Bytes that it still takes."""
        return files.weight([self._place(record) / FILES])

    def put(self, model: Model, removable: Removable) -> Record:
        """Move what goes with the model here; not settled yet. Raises DiskFull, EnvironmentFault after undoing it."""
        record = self._record(model, removable)
        try:
            self._write(record)
            self._trim(record, removable)
            for path in record.moved:
                self._move(self._inside / path, self._place(record) / FILES / path)
        except OSError as error:
            self.bring_back(record)
            self.drop(record)
            raise _not_removed(model, error) from error
        return record

    def settle(self, record: Record, *, settled: bool = True) -> None:
        """From now on a start leaves it here; or, unsettled, brings it back. Raises EnvironmentFault."""
        record.settled = settled
        try:
            self._write(record)
        except OSError as error:
            raise EnvironmentFault(f"{self.folder} cannot be written: {error}.", path=str(self.folder)) from error

    def bring_back(self, record: Record) -> None:
        """Move its files back to where they were. Doing it again changes nothing. Raises Conflict, EnvironmentFault."""
        here = [path for path in record.moved if os.path.lexists(self._place(record) / FILES / path)]
        taken = next((path for path in here if os.path.lexists(self._inside / path)), None)
        if taken is not None:
            raise Conflict(
                f"{self._inside / taken} is there again: remove that model first.", reason="the place is taken"
            )
        try:
            for path in here:
                self._move(self._place(record) / FILES / path, self._inside / path)
            self._tell_again(record)
        except OSError as error:
            message = f"The files of {record.model!r} cannot be moved back: {error}."
            raise EnvironmentFault(message, path=str(self.folder)) from error

    def drop(self, record: Record) -> None:
        """Delete it for good; what a link in it leads to is not touched. Raises EnvironmentFault."""
        place = self._place(record)
        try:
            if place.exists():
                shutil.rmtree(place)
        except OSError as error:
            message = f"{place} could not be deleted: {error}."
            raise EnvironmentFault(message, path=str(place)) from error
        files.prune(self.folder, self._manifests.models_dir)

    @property
    def _inside(self) -> Path:
        return self._manifests.models_dir.resolve()

    def _place(self, record: Record) -> Path:
        return self.folder / record.id

    def _record(self, model: Model, removable: Removable) -> Record:
        path = model.path.resolve()
        is_ours = path.is_relative_to(self._inside)
        return Record(
            id=secrets.token_hex(6), model=model.id, model_type=model.model_type,
            path=path.relative_to(self._inside).as_posix() if is_ours else str(model.path), is_ours=is_ours,
            engine=model.engine, origin=model.origin, options=model.options, facts=model.facts, created_at=model.created_at,
            last_used_at=model.last_used_at, version=model.version, deleted_at=time.time(),
            moved=[place.relative_to(self._inside).as_posix() for place in removable.moved],
        )  # fmt: skip

    def _write(self, record: Record) -> None:
        file = self._place(record) / RECORD
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".new")
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
        draft.replace(file)

    def _move(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        files.prune(source.parent, self.folder if source.is_relative_to(self.folder) else self._inside)

    def _trim(self, record: Record, removable: Removable) -> None:
        """A manifest that stays with the files of other models tells only of those."""
        root = removable.root if removable.kept else None
        if root is None or (manifest := self._manifests.read(root)) is None:
            return
        gone = {file.relative_to(root).as_posix() for file in removable.files}
        record.manifest_in = root.relative_to(self._inside).as_posix()
        record.untold = [file for file in manifest.files if file.path in gone]
        self._write(record)
        manifest.files = [file for file in manifest.files if file.path not in gone]
        self._manifests.write(root, manifest)

    def _tell_again(self, record: Record) -> None:
        root = self._inside / record.manifest_in
        if record.untold and (manifest := self._manifests.read(root)) is not None:
            new = [entry for entry in record.untold if manifest.file(entry.path) is None]
            manifest.files = sorted([*manifest.files, *new], key=lambda file: file.path)
            self._manifests.write(root, manifest)


def _not_removed(model: Model, error: OSError) -> EnvironmentFault:
    path = str(model.path)
    if disk.is_full(error):  # a rename needs no room, but its record does
        todo = "Empty the trash or clean up what is not needed, which needs no room, then remove it."
        return DiskFull(f"{model.id!r} was not removed: its disk is full to the last byte. {todo}", path=path)
    return EnvironmentFault(f"{model.id!r} was not removed, because its files cannot be moved: {error}.", path=path)


def _read(file: Path) -> Record | None:
    """A record that cannot be read is left alone, and told of."""
    try:
        return decoding.from_json(file.read_bytes(), Record)
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("the record %s is not readable: %s", file, error)
        return None
