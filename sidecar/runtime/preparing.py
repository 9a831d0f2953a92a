"""Preparing a model for the ctranslate2 engine: a job that checks disk and memory, has a worker convert, keeps the result."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from sidecar import hardware
from sidecar.config import Settings
from sidecar.errors import Conflict, DiskFull, DoesNotFit, PreparationFailed, Unsupported
from sidecar.registry.derived import Derived
from sidecar.registry.store import ModelStore, ModelVersion
from sidecar.runtime.engines import EngineChooser
from sidecar.runtime.jobs import Jobs, Report
from sidecar.runtime.placement import ENGINE_BASE, FLOAT32_BYTES, MB
from sidecar.runtime.protocol import Prepare
from sidecar.runtime.worker import Worker
from sidecar.types import JobInfo, Preparation, PrepareRequest

PRECISIONS = {"auto": ["int8", "float32"], "int8": ["int8"], "float32": ["float32"]}
BYTES = {"int8": 1.3, "float32": 4.2}  # of a parameter on disk, with some to spare
DISK_BASE = 8 * MB  # vocabularies and records
CONVERTING = "transformers"  # the engine whose worker has the libraries that convert


class Preparing:
    """Starts preparations as jobs. `settings()` gives those in force; `renew(model)` makes what is in memory use it."""

    def __init__(
        self,
        store: ModelStore,
        derived: Derived,
        jobs: Jobs,
        chooser: EngineChooser,
        settings: Callable[[], Settings],
        renew: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._derived = derived
        self._jobs = jobs
        self._chooser = chooser
        self._settings = settings
        self._renew = renew

    def start(self, model_id: str, request: PrepareRequest) -> JobInfo:
        """Raises ModelNotFound, LoadFailed, Unsupported, Conflict when it is being prepared already."""
        version = self._store.resolve(model_id)
        self._check_possible(version)
        return self._jobs.start(
            "prepare", model_id, lambda report: self._run(version, PRECISIONS[request.precision], report)
        )

    def start_unasked(self, model_id: str) -> None:
        """Start one for a model that was never prepared and can be; for any other nothing happens."""
        version = self._store.resolve(model_id)
        situation = self._chooser.situation(version, "cpu")
        if situation.preparation is None and not situation.on_gpu:
            with contextlib.suppress(Unsupported, Conflict):
                self.start(model_id, PrepareRequest())

    def _check_possible(self, version: ModelVersion) -> None:
        situation = self._chooser.situation(version, "cpu")
        if "ctranslate2" not in situation.installed:
            raise Unsupported(model=version.model, reason="the ctranslate2 engine is not installed")
        if not situation.convertible or situation.format != "transformers":
            raise Unsupported(
                model=version.model,
                reason=f"a {situation.architecture} cannot be prepared for {version.task.replace('_', ' ')}",
            )

    async def _run(self, version: ModelVersion, precisions: list[str], report: Report) -> str:
        version = await self._current(version, report)
        await self._check_room(version, precisions)
        folder = await asyncio.to_thread(self._derived.making, version.version, version.task)
        try:
            made = await self._converted(version, folder, precisions, report)
            await asyncio.to_thread(self._derived.keep, version.version, version.task, made)
        finally:
            await asyncio.to_thread(self._derived.discard, version.version, version.task)
        if not made.passed:
            raise PreparationFailed(
                f"{version.model!r} was converted, but differs too much from the original: {made.reason}.",
                model=version.model, measures=made.measures, thresholds=made.thresholds,
            )  # fmt: skip
        report("loading it anew", 0.99)
        await self._renew(version.model)
        return f"{version.model} is prepared in {made.precision}: {_said(made)}."

    async def _current(self, version: ModelVersion, report: Report) -> ModelVersion:
        """The version that its files are now, with their hash: what is made stays theirs when only their times change."""
        report("reading its files", 0.0)
        now = await self._store.resolve_anew(version.model)
        if now.version != version.version:
            await self._renew(version.model)
        await self._store.take_hash(version.model)
        return now

    async def _converted(
        self, version: ModelVersion, folder: Path, precisions: list[str], report: Report
    ) -> Preparation:
        settings = self._settings()
        report("starting", 0.0)
        worker = await Worker.start(CONVERTING, model=version.model, stall_timeout_s=settings.stall_timeout_s)
        try:
            frame = Prepare(version.model, str(version.path), version.task, str(folder), precisions, settings.threads)
            return (await worker.prepare(frame, report)).preparation
        finally:
            await asyncio.shield(worker.close())

    async def _check_room(self, version: ModelVersion, precisions: list[str]) -> None:
        """Raises DiskFull, DoesNotFit with the numbers: before anything is begun."""
        parameters = version.inspection.weights.parameters
        on_disk = int(parameters * max(BYTES[name] for name in precisions)) + DISK_BASE
        folder = self._derived.folder(version.version, version.task)
        free = await asyncio.to_thread(hardware.free_disk, folder)
        if free < on_disk:
            raise DiskFull(
                f"Preparing {version.model!r} needs about {on_disk // MB + 1} MB on the disk of {folder}, where"
                f" {free // MB} MB are free. Free some space and try again.",
                path=str(folder), needed_mb=on_disk // MB + 1, free_mb=free // MB,
            )  # fmt: skip
        # The original and what is converted are in memory together.
        in_memory = int(parameters * FLOAT32_BYTES * 2.5) + ENGINE_BASE[CONVERTING]
        available = await asyncio.to_thread(hardware.available_memory)
        if available < in_memory:
            raise DoesNotFit(
                model=version.model, needed_mb=in_memory // MB + 1, available_mb=available // MB,
                reason="converting holds the model twice",
            )  # fmt: skip


def _said(made: Preparation) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in made.measures.items())
