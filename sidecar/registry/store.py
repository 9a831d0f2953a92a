"""The models this installation knows: rows in SQLite, mirrored in memory, and what inspection says of their folders.

It knows where files lie, and neither moves nor deletes any. Aliases, deployments and validation will stand beside it;
`resolve` is where a name becomes one immutable version.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from pathlib import Path

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from sidecar import decoding
from sidecar.db import Database
from sidecar.errors import Conflict, InvalidRequest, LoadFailed, ModelNotFound
from sidecar.hub.stopping import Stop
from sidecar.registry import contents
from sidecar.registry.contents import Contents
from sidecar.registry.gguf_model import read_companions
from sidecar.registry.inspect import Inspection, inspect, without_projector
from sidecar.runtime.protocol import ModelFacts
from sidecar.types import Adapter, EngineChoice, GenerationDefaults, ModelType, Origin

log = logging.getLogger(__name__)

BUILTIN_PREFIX = "builtin:"


class ModelOptions(GenerationDefaults, forbid_unknown_fields=False, kw_only=True):
    """What the user chose for one model. `keep_alive` in seconds; None is the general setting."""

    device: str = "auto"
    num_workers: int = 1
    keep_alive: float | None = None
    pinned: bool = False
    quantization: str | None = None
    adapters: list[Adapter] = field(default_factory=list)
    draft_model: str | None = None
    use_projector: bool = True
    engine: EngineChoice = "auto"


class Model(Struct, frozen=True):
    """One known model. `inspection` is None, and `problem` says why, while its folder cannot be used.

    `origin`: how it came here. Files "in_place" or of the "hub_cache" are never written or deleted. `edition`: of its files,
    see `contents`.
    """

    id: str
    model_type: ModelType
    path: Path
    engine: str
    options: ModelOptions
    origin: Origin
    created_at: float
    last_used_at: float | None = None
    facts: ModelFacts | None = None
    inspection: Inspection | None = None
    problem: str | None = None
    edition: str = ""

    @property
    def builtin(self) -> bool:
        return self.origin == "builtin"

    @property
    def version(self) -> str:
        return contents.edition_version(self.inspection.version, self.edition) if self.inspection else ""


class ModelVersion(Struct, frozen=True):
    """What a name stands for at one moment: these files, these options. `engine` reads the files as they are. It never changes."""

    model: str
    version: str
    path: Path
    engine: str
    task: ModelType
    options: ModelOptions
    inspection: Inspection


class ModelStore:
    """The registry of models. Reads are from memory; every change is written through to the database."""

    def __init__(self, database: Database, builtin_dir: Path) -> None:
        self._database = database
        self._builtin_dir = builtin_dir
        self._models: dict[str, Model] = {}
        self._contents: dict[Path, Contents] = {}
        self._looking: dict[Path, asyncio.Lock] = {}

    @classmethod
    async def open(cls, database: Database, builtin_dir: Path) -> ModelStore:
        """Read the rows, look at every folder, and make the models that came with the application known."""
        store = cls(database, builtin_dir)
        rows = await database.run(lambda connection: connection.execute("SELECT * FROM models").fetchall())
        seen = await database.run(lambda connection: connection.execute("SELECT * FROM contents").fetchall())
        store._contents = {Path(row["path"]): decoding.from_json(row["contents"], Contents) for row in seen}
        known = await asyncio.to_thread(store._read_rows, rows)
        store._models = {model.id: model for model in known}
        await store._seed()
        return store

    def all(self) -> list[Model]:
        """Every model, by name."""
        return [self._models[key] for key in sorted(self._models)]

    def get(self, model_id: str) -> Model:
        """Raises ModelNotFound."""
        try:
            return self._models[model_id]
        except KeyError:
            raise ModelNotFound(model=model_id) from None

    def at(self, path: Path) -> Model | None:
        """The model whose files lie at `path`."""
        return next((model for model in self._models.values() if model.path == path), None)

    def resolve(self, name: str) -> ModelVersion:
        """The version that `name` stands for now. Raises ModelNotFound, LoadFailed when its folder is unusable."""
        model = self.get(name)
        if model.inspection is None:
            raise LoadFailed(model=name, reason=model.problem or "its folder cannot be used")
        return ModelVersion(
            model.id, model.version, model.path, model.engine, model.model_type, model.options, model.inspection
        )

    async def resolve_anew(self, name: str) -> ModelVersion:
        """As `resolve`, after a look at the files: a disk may be back, and what changed is another version. Raises as it does.

        Where weights changed they are read whole, which takes seconds per gigabyte.
        """
        model = self.get(name)
        await self._look_at_files(model.path)
        if self.get(name).inspection is None:
            await self.look_again(name)
        return self.resolve(name)

    async def changed(self, version: ModelVersion) -> bool:
        """Whether its files changed since they were last looked at."""
        try:
            return await asyncio.to_thread(contents.changed, version.path, self._contents.get(version.path))
        except (OSError, InvalidRequest):
            return True

    async def take_hash(self, name: str) -> None:
        """Read its files whole, so that what is made of them now stays theirs when only their times change. Raises OSError."""
        path = self.get(name).path
        if (known := self._contents.get(path)) is not None:
            unwanted = Stop()
            try:
                await self._remember(path, await asyncio.to_thread(contents.with_hash, path, known, unwanted.check))
            finally:
                unwanted.set()

    async def _look_at_files(self, path: Path) -> None:
        """Where something is different there since the last look, all models of these files are inspected anew."""
        async with self._looking.setdefault(path, asyncio.Lock()):
            known, unwanted = self._contents.get(path), Stop()
            try:
                found = await asyncio.to_thread(contents.looked_at, path, known, unwanted.check)
            except (OSError, InvalidRequest):
                return  # the load says what is wrong
            finally:
                unwanted.set()
            if found != known:
                await self._take_in(path, known, found)

    async def _take_in(self, path: Path, known: Contents | None, found: Contents) -> None:
        """Other contents than before; of files that cannot be used now, the load says what is wrong."""
        models = [replace(model, inspection=None, problem=None) for model in self.all() if known and model.path == path]
        anew = [await asyncio.to_thread(_looked_at, replace(model, edition=found.edition)) for model in models]
        if not any(model.problem for model in anew):
            await self._remember(path, found)
            self._models.update((model.id, model) for model in anew)

    async def _remember(self, path: Path, found: Contents) -> None:
        row = str(path), msgspec.json.encode(found).decode()
        self._contents[path] = found
        await self._database.run(lambda c: c.execute("INSERT OR REPLACE INTO contents VALUES (?, ?)", row))

    def _edition(self, path: Path) -> str:
        known = self._contents.get(path)
        return known.edition if known else ""

    def current(self, version: ModelVersion) -> ModelVersion:
        """The version, with the place where its files lie now. Raises ModelNotFound."""
        return replace(version, path=self.get(version.model).path)

    async def add(
        self, model_id: str, model_type: ModelType, path: Path, options: ModelOptions, origin: Origin = "in_place"
    ) -> Model:
        """Make a folder known; the same folder again changes its options. Raises Conflict, InvalidRequest."""
        folder = await asyncio.to_thread(located, path)
        self._refuse_other_folder(model_id, folder)
        inspection = await asyncio.to_thread(inspect, folder)
        _check_type(folder, inspection, model_type)
        inspection = await asyncio.to_thread(_with_companions, inspection, options)
        await self._look_at_files(folder)
        self._refuse_other_folder(model_id, folder)
        model = self._models.get(model_id) or Model(
            model_id, model_type, folder, inspection.engine, options, origin, time.time()
        )
        found = replace(model, inspection=inspection, problem=None, edition=self._edition(folder))
        return await self._save(replace(found, model_type=model_type, options=options))

    async def look_again(self, model_id: str) -> Model:
        """Its files changed: inspect them anew. Raises ModelNotFound."""
        model = replace(self.get(model_id), inspection=None, problem=None)
        seen = await asyncio.to_thread(_looked_at, replace(model, edition=self._edition(model.path)))
        self._models[model_id] = seen
        return seen

    async def set_options(self, model_id: str, options: ModelOptions) -> Model:
        """Raises ModelNotFound, and InvalidRequest where what shall be used beside the model cannot be."""
        before = self.get(model_id).options
        model = replace(self.get(model_id), options=options)
        if (options.adapters, options.draft_model) != (before.adapters, before.draft_model):
            inspection = await asyncio.to_thread(_inspected_with, model.path, options)
            model = replace(model, inspection=inspection, problem=None)
        elif options.use_projector != before.use_projector:
            model = await asyncio.to_thread(_looked_at, replace(model, inspection=None, problem=None))
        return await self._save(model)

    async def learned(self, model_id: str, facts: ModelFacts) -> None:
        """Keep what a load taught. A model that was removed meanwhile is left alone."""
        if (model := self._models.get(model_id)) is not None:
            await self._save(replace(model, facts=facts))

    def used(self, model_id: str, at: float) -> None:
        """Remember the time of a request. It reaches the disk with `write_usage`, not once per request."""
        if (model := self._models.get(model_id)) is not None:
            self._models[model_id] = replace(model, last_used_at=at)

    async def write_usage(self) -> None:
        rows = [(model.last_used_at, model.id) for model in self._models.values() if model.last_used_at is not None]
        await self._database.run(lambda c: c.executemany("UPDATE models SET last_used_at = ? WHERE id = ?", rows))

    async def forget(self, model_id: str) -> Model:
        """Take the model off the list; its files stay where they are. Raises ModelNotFound, Conflict."""
        model = self.get(model_id)
        if model.builtin:
            raise Conflict(f"{model_id!r} came with the application and cannot be removed.", reason="built in")
        await self._forget_row(model_id)
        return model

    async def put_back(self, model: Model) -> Model:
        """Make a model known again, as it was when it was forgotten. Raises Conflict when its name is taken."""
        self._refuse_other_folder(model.id, model.path)
        model = replace(model, inspection=None, problem=None, edition=self._edition(model.path))
        return await self._save(await asyncio.to_thread(_looked_at, model))

    async def relocate(self, old: Path, new: Path) -> None:
        """Everything in the folder `old` lies in `new` now: all paths at once, in one transaction."""
        await relocate(self._database, old, new)
        self._contents = {elsewhere(path, old, new): seen for path, seen in self._contents.items()}
        for model in self.all():
            if not model.builtin:
                options = _options_elsewhere(model.options, old, new)
                self._models[model.id] = replace(model, path=elsewhere(model.path, old, new), options=options)

    def _refuse_other_folder(self, model_id: str, folder: Path) -> None:
        known = self._models.get(model_id)
        if known is not None and known.path != folder:
            raise Conflict(f"The name {model_id!r} is taken by the model in {known.path}.", reason="the name is taken")

    def _read_rows(self, rows: list[sqlite3.Row]) -> list[Model]:
        return [_looked_at(self._from_row(row)) for row in rows]

    def _from_row(self, row: sqlite3.Row) -> Model:
        stored = str(row["path"])
        builtin = stored.startswith(BUILTIN_PREFIX)
        path = self._builtin_dir / stored.removeprefix(BUILTIN_PREFIX) if builtin else Path(stored)
        return Model(
            id=row["id"],
            model_type=row["model_type"],
            path=path,
            engine=row["engine"],
            options=decoding.from_json(row["options"], ModelOptions),
            origin=row["origin"],
            created_at=row["created_at"],
            last_used_at=row["last_used_at"],
            facts=_facts(row["facts"]),
            edition=self._edition(path),
        )

    async def _seed(self) -> None:
        """Make known what came with the application, and forget what no longer comes with it."""
        shipped = await asyncio.to_thread(_shipped, self._builtin_dir)
        for model in [model for model in self._models.values() if model.builtin and model.id not in shipped]:
            await self._forget_row(model.id)
        for model_id, inspection in shipped.items():
            if model_id not in self._models and inspection is not None:
                model = _builtin(self._builtin_dir / model_id, inspection)
                await self._save(replace(model, edition=self._edition(model.path)))

    async def _forget_row(self, model_id: str) -> None:
        await self._database.run(lambda c: c.execute("DELETE FROM models WHERE id = ?", (model_id,)))
        del self._models[model_id]

    async def _save(self, model: Model) -> Model:
        row = (
            model.id,
            model.model_type,
            BUILTIN_PREFIX + model.id if model.builtin else str(model.path),
            model.engine,
            msgspec.json.encode(model.options).decode(),
            msgspec.json.encode(model.facts).decode() if model.facts else None,
            model.created_at,
            model.last_used_at,
            model.origin,
        )
        self._models[model.id] = model
        await self._database.run(
            lambda c: c.execute("INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        )
        return model


async def relocate(database: Database, old: Path, new: Path) -> None:
    """Rewrite every path in the database that lies in the folder `old`. Doing it again changes nothing."""

    def rewrite(connection: sqlite3.Connection) -> None:
        for row in connection.execute("SELECT id, path, options FROM models").fetchall():
            options = _options_elsewhere(decoding.from_json(row["options"], ModelOptions), old, new)
            values = (str(elsewhere(Path(row["path"]), old, new)), msgspec.json.encode(options).decode(), row["id"])
            connection.execute("UPDATE models SET path = ?, options = ? WHERE id = ?", values)
        for row in connection.execute("SELECT path FROM contents").fetchall():
            moved = str(elsewhere(Path(row["path"]), old, new))
            connection.execute("UPDATE OR REPLACE contents SET path = ? WHERE path = ?", (moved, row["path"]))

    await database.run(rewrite)


def elsewhere(path: Path, old: Path, new: Path) -> Path:
    """Where `path` is once the folder `old` has become `new`."""
    return new / path.relative_to(old) if path.is_relative_to(old) else path


def _options_elsewhere(options: ModelOptions, old: Path, new: Path) -> ModelOptions:
    moved = [Adapter(str(elsewhere(Path(one.path), old, new)), one.scale) for one in options.adapters]
    draft = options.draft_model and str(elsewhere(Path(options.draft_model), old, new))
    return msgspec.structs.replace(options, adapters=moved, draft_model=draft)


def located(path: Path) -> Path:
    """The absolute path with links followed, but for that of a file itself: its own name may be what tells its kind, as in
    the cache of the hub's library. Raises OSError."""
    whole = path.expanduser().absolute()
    return whole.parent.resolve() / whole.name if whole.is_file() else whole.resolve()


def _facts(text: str | None) -> ModelFacts | None:
    """What an earlier load taught; another release's shape is forgotten, the next load writes it anew."""
    try:
        return decoding.from_json(text, ModelFacts) if text else None
    except msgspec.ValidationError:
        return None


def _looked_at(model: Model) -> Model:
    if not model.path.exists():
        what = "file is" if model.engine == "llamacpp" else "folder is"
        return replace(model, problem=f"its {what} gone: {model.path} is not there any more")
    try:
        return replace(model, inspection=_inspected_with(model.path, model.options))
    except InvalidRequest as error:
        return replace(model, problem=error.details.get("reason", error.message))


def _inspected_with(path: Path, options: ModelOptions) -> Inspection:
    """Raises InvalidRequest."""
    return _with_companions(inspect(path), options)


def _with_companions(inspection: Inspection, options: ModelOptions) -> Inspection:
    """With what goes beside the model counted in. Raises InvalidRequest where that cannot be used."""
    beside = read_companions(inspection.engine, [adapter.path for adapter in options.adapters], options.draft_model)
    if not options.use_projector:
        inspection = without_projector(inspection)
    return replace(
        inspection,
        companion_bytes=inspection.companion_bytes + beside.stored_bytes,
        cache_bytes_per_token=inspection.cache_bytes_per_token + beside.cache_bytes_per_token,
    )


def _shipped(folder: Path) -> dict[str, Inspection | None]:
    """The built-in models by folder name; None for one that is not whole."""
    children = sorted(child for child in folder.iterdir() if child.is_dir()) if folder.is_dir() else []
    return {child.name: _inspected(child) for child in children}


def _inspected(folder: Path) -> Inspection | None:
    try:
        return inspect(folder)
    except InvalidRequest as error:
        log.warning("a model that came with the application cannot be used: %s", error.message)
        return None


def _builtin(folder: Path, inspection: Inspection) -> Model:
    return Model(
        folder.name,
        inspection.types[0],
        folder,
        inspection.engine,
        ModelOptions(),
        "builtin",
        time.time(),
        inspection=inspection,
    )


def _check_type(folder: Path, inspection: Inspection, wanted: ModelType) -> None:
    if wanted not in inspection.types:
        can = " or ".join(inspection.types)
        raise InvalidRequest(
            reason=f"model_type: {folder} holds a {inspection.architecture}, which does {can}, not {wanted}"
        )
