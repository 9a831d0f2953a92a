"""Imports, exports and files from addresses as jobs: threads do the work, the registry learns of models that are whole."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sidecar import disk
from sidecar.downloads.queue import DownloadQueue
from sidecar.errors import EnvironmentFault, InglenookError, InvalidRequest
from sidecar.imports import bundles, exporting, fetching, recognising, staging, urls
from sidecar.imports.fetching import FileFetcher
from sidecar.imports.importing import Importer, Placed
from sidecar.imports.progress import Progress
from sidecar.imports.source import Source, model_id
from sidecar.imports.urls import Elsewhere, OnHub
from sidecar.registry.manifest import ManifestFile, Manifests
from sidecar.registry.store import ModelStore, located
from sidecar.runtime import importables
from sidecar.runtime.arrivals import Arrivals
from sidecar.runtime.followed import followed, part_of
from sidecar.runtime.jobs import Jobs, Report, to_its_end
from sidecar.runtime.models import Models
from sidecar.types import (
    Adapter,
    DownloadRequest,
    ExportRequest,
    FromUrlRequest,
    FromUrlStarted,
    GenerationDefaults,
    Importable,
    ImportRequest,
    JobInfo,
    ModelType,
    Origin,
    RegisterRequest,
)

T = TypeVar("T")


class Importing:
    """Joins what reads and writes files with the registry and the jobs."""

    def __init__(
        self,
        store: ModelStore,
        models: Models,
        arrivals: Arrivals,
        manifests: Manifests,
        jobs: Jobs,
        downloads: DownloadQueue,
        fetcher: FileFetcher,
    ) -> None:
        self._store = store
        self._models = models
        self._arrivals = arrivals
        self._manifests = manifests
        self._jobs = jobs
        self._downloads = downloads
        self._fetcher = fetcher
        self._importer = Importer(manifests)

    async def open(self) -> None:
        """Delete what imports and exports left behind when the service was killed."""
        await asyncio.to_thread(staging.sweep, self._manifests.models_dir)

    # ---- looking ----------------------------------------------------------------------------------------------------

    async def found(self, path: str | None) -> list[Importable]:
        """What importing `path` would bring; without it, what other programs keep here. Raises InvalidRequest."""
        paths = {model.id: model.path for model in self._store.all()}
        return await asyncio.to_thread(_reading, lambda: self._found(path, paths))

    def _found(self, path: str | None, known: dict[str, Path]) -> list[Importable]:
        if path is None:
            sources = recognising.found_on_machine(os.environ, Path.home())
        else:
            sources = recognising.with_tasks(recognising.sources(_absolute(path)))
        return importables.told(sources, known, self._manifests)

    # ---- importing --------------------------------------------------------------------------------------------------

    async def start(self, request: ImportRequest) -> JobInfo:
        """Raises InvalidRequest, UnsafeFiles, DiskFull before anything is begun, Conflict when it is being imported."""
        sources = await asyncio.to_thread(self._chosen, request)
        if request.name is not None and len(sources) > 1:
            raise InvalidRequest(reason="name: several models cannot have one name")
        return self._jobs.start("import", request.path, lambda report: self._import_all(sources, request, report))

    def _chosen(self, request: ImportRequest) -> list[Source]:
        path = _absolute(request.path)
        sources = _reading(lambda: recognising.chosen(path, request.models))
        self._importer.check(sources, request.allow, in_place=request.in_place)
        return sources

    async def _import_all(self, sources: list[Source], request: ImportRequest, report: Report) -> str:
        came: list[str] = []
        warnings = [f"{source.name}: {note}" for source in sources for note in source.notes]
        for number, source in enumerate(sources):
            came.append(await self._import(source, request, part_of(report, number, len(sources))))
            report(f"{came[-1]} is here", (number + 1) / len(sources), models=list(came), warnings=warnings)
        return f"{', '.join(came)} {'is' if len(came) == 1 else 'are'} here."

    async def _import(self, source: Source, request: ImportRequest, report: Report) -> str:
        progress = Progress()
        if request.in_place:
            origin: Origin = "hub_cache" if source.kind == "hugging_face" else "in_place"
            placed = await followed(partial(self._importer.take_note, source, progress), progress, report)
            return await self._register(source, placed, origin, request.name, request.model_type)
        await asyncio.to_thread(partial(self._importer.check, [source], request.allow, in_place=False))
        return await self._copied(source, progress, request.name, request.model_type, report)

    async def _copied(
        self, source: Source, progress: Progress, name: str | None, wanted: ModelType | None, report: Report
    ) -> str:
        folder = staging.Staging(self._manifests.models_dir)
        try:
            await asyncio.to_thread(folder.open)
            bring = partial(self._importer.bring, source, folder.place, progress)
            entries = await followed(bring, progress, report)
            if source.pickled:
                entries = await self._converted(source, folder.place, entries, report)
            return await to_its_end(self._finished(source, folder.place, entries, name, wanted))
        finally:
            await asyncio.shield(asyncio.to_thread(folder.close))

    async def _converted(
        self, source: Source, folder: Path, entries: list[ManifestFile], report: Report
    ) -> list[ManifestFile]:
        await self._arrivals.convert(source.name, folder, lambda stage, done: report(f"converting: {stage}", done))
        return await asyncio.to_thread(self._importer.converted, folder, entries)

    async def _finished(
        self, source: Source, folder: Path, entries: list[ManifestFile], name: str | None, wanted: ModelType | None
    ) -> str:
        """Put what is whole in its place and make it known; returns its id."""
        placed = await asyncio.to_thread(self._placed, source, folder, entries)
        return await self._register(source, placed, "imported", name, wanted)

    def _placed(self, source: Source, folder: Path, entries: list[ManifestFile]) -> Placed:
        with staging.writing(self._manifests.models_dir):
            return self._importer.place(source, folder, entries)

    async def _register(
        self, source: Source, placed: Placed, origin: Origin, name: str | None, wanted: ModelType | None
    ) -> str:
        """Make what is whole known; returns its id. What is known already is looked at again, unless it gets another name."""
        path = await asyncio.to_thread(located, placed.path)
        if (known := self._known(path, name or _own_name(source))) is not None:
            await self._models.refresh(known)
            return known
        request = RegisterRequest(
            name=self._free_name(name or model_id(source.name), placed),
            model_type=_task(placed, wanted or source.model_type),
            model_path=str(path),
            adapters=[Adapter(str(self._beside(source, placed, one))) for one in source.adapters],
        )
        request = msgspec.structs.replace(request, **_given(source.defaults))
        try:
            return (await self._models.register(request, origin)).id
        except InglenookError:
            await asyncio.to_thread(self._importer.discard, placed)
            raise

    def _known(self, path: Path, name: str | None) -> str | None:
        """The model of that name whose files are at `path`; without a name, any of them."""
        there = [model.id for model in self._store.all() if model.path == path]
        return next((one for one in there if name in (None, one)), None)

    def _beside(self, source: Source, placed: Placed, path: str) -> Path:
        """Where a further file of the model lies, in its folder here or where it always was."""
        there = next(file.place for file in source.files if file.path == path)
        return placed.root / path if self._manifests.is_ours(placed.root) else there

    def _free_name(self, name: str, placed: Placed) -> str:
        taken = {model.id for model in self._store.all()}
        tried = (name, f"{name}-{placed.inspection.version[:7]}", f"{name}-{placed.inspection.version}")
        return next((one for one in tried if one not in taken), tried[-1])

    # ---- addresses --------------------------------------------------------------------------------------------------

    async def from_url(self, request: FromUrlRequest) -> FromUrlStarted:
        """Raises InvalidRequest for what is not fetched, DiskFull, Offline and what else the first question may raise."""
        endpoint = await asyncio.to_thread(lambda: self._fetcher.connection.endpoint)
        wanted = urls.understood(request.url, endpoint)
        if isinstance(wanted, OnHub):
            return FromUrlStarted("download", await self._download(wanted, request))
        announced = await asyncio.to_thread(self._fetcher.announced, wanted)
        models_dir = self._manifests.models_dir
        await asyncio.to_thread(disk.require_room, announced.bytes, models_dir)
        job = self._jobs.start("fetch", wanted.url, partial(self._fetch, wanted, announced, request))
        return FromUrlStarted("job", job.id)

    async def _download(self, wanted: OnHub, request: FromUrlRequest) -> str:
        if request.sha256 or request.model_type:
            raise InvalidRequest(
                reason="sha256, model_type: what comes from the hub is verified by the hub's own hashes"
            )
        info = await self._downloads.add(
            DownloadRequest(
                model=wanted.repository,
                revision=wanted.revision,
                variant=wanted.variant,
                files=list(wanted.files) or None,
                name=request.name,
            )
        )
        return info.job_id

    async def _fetch(
        self, wanted: Elsewhere, announced: fetching.Announced, request: FromUrlRequest, report: Report
    ) -> str:
        """What arrived stays for another attempt when it fails or the service ends, and goes when the job is cancelled."""
        progress, models_dir = Progress(), self._manifests.models_dir
        fetch = partial(self._fetcher.fetch, wanted, announced, models_dir, progress)
        try:
            arrival = await followed(fetch, progress, part_of(report, 0, 2))
        except asyncio.CancelledError:
            if not self._jobs.closing:
                await asyncio.shield(asyncio.to_thread(fetching.abandon, wanted, models_dir))
            raise
        source = arrival.source(wanted, request.sha256.lower() if request.sha256 else None)
        try:
            name = await self._copied(source, progress, request.name, request.model_type, part_of(report, 1, 2))
        finally:
            await asyncio.shield(asyncio.to_thread(arrival.forget))
        report("registered", 1.0, models=[name])
        return f"{name} is here."

    # ---- exporting --------------------------------------------------------------------------------------------------

    async def export(self, name: str, request: ExportRequest) -> JobInfo:
        """Raises ModelNotFound, LoadFailed, InvalidRequest, Conflict when the file is there, DiskFull."""
        model, models_dir = self._store.get(name), self._manifests.models_dir
        target = await asyncio.to_thread(lambda: exporting.target(_absolute(request.path), name, models_dir))
        contents, files = await asyncio.to_thread(_reading, lambda: exporting.prepared(model, self._manifests))
        await asyncio.to_thread(disk.require_room, bundles.size_of(contents), target.parent)
        warnings = ["Its adapters and draft model are not in the bundle."] * bool(
            model.options.adapters or model.options.draft_model
        )

        async def work(report: Report) -> str:
            progress = Progress()

            def write() -> None:
                with staging.drafting(models_dir, bundles.draft_of(target)):
                    bundles.write(contents, files, target, progress)

            await followed(write, progress, report)
            report("written", 1.0, warnings=warnings, path=str(target))
            return f"{name} is in {target}."

        return self._jobs.start("export", name, work)


def _reading(work: Callable[[], T]) -> T:
    """A disk that cannot be read is told as such. Raises EnvironmentFault."""
    try:
        return work()
    except OSError as error:
        path = str(error.filename or "")
        raise EnvironmentFault(f"{path} cannot be read: {error.strerror or error}.", path=path) from error


def _absolute(path: str) -> Path:
    place = Path(path)
    if not place.is_absolute() or "\0" in path:
        raise InvalidRequest(reason=f"path: give the whole path, not {path!r}")
    return place


def _own_name(source: Source) -> str | None:
    """The name without which it is another model: in Ollama's store several share one file, with other parameters."""
    return model_id(source.name) if source.kind == "ollama" else None


def _task(placed: Placed, wanted: ModelType | None) -> ModelType:
    types = placed.inspection.types
    return wanted if wanted in types else types[0]


def _given(defaults: GenerationDefaults) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(defaults).items() if value is not None}
