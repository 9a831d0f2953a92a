"""Makes workers that hold a model: from the spare process if there is one, else from a fresh one.

It knows what a load needs to be told and what is learned from it. When and how many are residency's decisions.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

from sidecar import hardware
from sidecar.config import Settings
from sidecar.errors import InglenookError
from sidecar.metrics import Metrics
from sidecar.registry.derived import rounded_weights
from sidecar.registry.store import ModelStore, ModelVersion
from sidecar.runtime import placement
from sidecar.runtime.calibration import Figures
from sidecar.runtime.engines import Engine, EngineChooser
from sidecar.runtime.prediction import Surroundings
from sidecar.runtime.protocol import Calibrate, Load, Loaded
from sidecar.runtime.resident import LoopClock
from sidecar.runtime.spare import SpareWorker
from sidecar.runtime.worker import Worker

log = logging.getLogger(__name__)

MEASURES = "transformers"  # the engine that measures the machine; the next ones add the rates of their own kernels
MEASURE_TOO = ("llamacpp",)
STARTED_TOO = ("ctranslate2",)  # only to see how long that takes
MEASURING_TIMEOUT_S = 120.0
SPARE_BYTES = placement.UNKNOWN_BASE
ROOM_BESIDE_SPARE = 3  # times its own size must be free before it is started


class Launcher:
    """Owns the spare worker. `settings()` gives those in force, `used()` the bytes that models use, `busy()` whether
    requests or loads run, `total_memory` the machine's; `check_files` raises
    when a version's files are not whole; `observe` hears of every load, with the seconds
    until there was a process for it and the share of its files that memory held before."""

    def __init__(
        self,
        store: ModelStore,
        chooser: EngineChooser,
        metrics: Metrics,
        settings: Callable[[], Settings],
        used: Callable[[], int],
        busy: Callable[[], bool],
        total_memory: int,
        observe: Callable[[ModelVersion, Loaded, float, Surroundings], None],
        check_files: Callable[[ModelVersion], Awaitable[None]],
    ) -> None:
        self._store = store
        self._chooser = chooser
        self._metrics = metrics
        self._settings = settings
        self._used = used
        self._total_memory = total_memory
        self._observe = observe
        self._check_files = check_files
        self.spare = SpareWorker(
            start=self._start,
            may_start=self._room_for_spare,
            minutes=lambda: settings().spare_worker_minutes if settings().spare_worker else 0,
            busy=busy,
            clock=LoopClock(),
        )

    @property
    def memory_limit(self) -> int:
        """Bytes that models may use together."""
        return placement.limit_bytes(self._settings().memory_limit_mb, self._total_memory)

    async def launch(self, version: ModelVersion, device: str) -> Worker:
        """A worker with `version` loaded. Raises LoadFailed, OutOfMemory."""
        began = time.perf_counter()
        engine = self._chooser.engine(version, device)
        await self._check_files(version)
        before = await asyncio.to_thread(self.surroundings, version, engine)
        worker = await self.spare.take(engine.name) or await self._start(engine.name)
        started = time.perf_counter()
        try:
            loaded = await worker.load(self._frame(version, device, engine), self._settings().load_timeout_s)
        except BaseException:
            await worker.close()
            raise
        self._observe(version, loaded, started - began, before)
        self._metrics.loads.labels(version.model).inc()
        self._metrics.load_seconds.labels(version.model).observe(time.perf_counter() - began)
        await self._store.learned(version.model, loaded.facts)
        self.spare.prepare(engine.name)
        return worker

    async def measure(self, file: Path | None) -> Figures:
        """This machine's figures, from processes of their own. Raises LoadFailed, InferenceFailed."""
        frame = Calibrate(self._settings().threads, str(file or ""))
        figures = await self._measured(MEASURES, frame)
        for engine in MEASURE_TOO:
            try:
                more = await self._measured(engine, frame)
                figures.found.gemm += more.found.gemm
                figures.engine_start_s[engine] = more.start_s
            except InglenookError as error:  # models of this engine are predicted from their runs alone
                log.warning("the machine could not be measured with %s: %s", engine, error.message)
        for engine in STARTED_TOO:
            with contextlib.suppress(InglenookError):  # it is not installed
                async with self._started(engine) as (_, start_s):
                    figures.engine_start_s[engine] = start_s
        return figures

    async def _measured(self, engine: str, frame: Calibrate) -> Figures:
        async with self._started(engine) as (worker, start_s):
            return Figures(await worker.calibrate(frame, MEASURING_TIMEOUT_S), start_s)

    @contextlib.asynccontextmanager
    async def _started(self, engine: str) -> AsyncIterator[tuple[Worker, float]]:
        """A worker for the block, and how many seconds its start took."""
        began = time.perf_counter()
        worker = await self._start(engine)
        try:
            yield worker, time.perf_counter() - began
        finally:
            await worker.close()

    def surroundings(self, version: ModelVersion, engine: Engine) -> Surroundings:
        """What bears on how long a load would take now. Blocks on the disk."""
        precision = "int4" if version.options.quantization == "int4" else "int8"
        return Surroundings(
            cached_share=cached_share(version.path),
            spare_worker=self.spare.serves(engine.name),
            rounded_before=(own := self._own_folder(engine)) is not None and rounded_weights(own, precision).is_file(),
            batch_tokens=self._settings().batch_tokens,
        )

    def needed(self, version: ModelVersion, device: str) -> int:
        """Bytes that one replica will probably use."""
        seen, engine = version.inspection, self._chooser.engine(version, device)
        return placement.estimate(
            engine=engine.name,
            parameters=seen.weights.parameters,
            stored_bytes=seen.weights.stored_bytes,
            on_cpu=device in ("auto", "cpu"),
            cache_bytes_per_token=seen.cache_bytes_per_token,
            context_length=self._context(version),
            max_sequences=self._settings().max_sequences,
            limit=self.memory_limit,
            prepared_bytes=engine.prepared_bytes,
            companion_bytes=seen.companion_bytes,
            prefix_cache_mb=self._prefix_cache_mb(version),
        ).total

    def _prefix_cache_mb(self, version: ModelVersion) -> int:
        setting, per_token = self._settings().prefix_cache_mb, version.inspection.cache_bytes_per_token
        return placement.prefix_cache_mb(setting, per_token, self.memory_limit)

    def _context(self, version: ModelVersion) -> int | None:
        """The context that fits; engines whose cache grows with use are not bound by it."""
        seen = version.inspection
        if seen.context_length is None:
            return None
        sequences = self._settings().max_sequences
        return placement.fitting_context(seen.context_length, seen.cache_bytes_per_token, sequences, self.memory_limit)

    def reserved(self, version: ModelVersion) -> int:
        """Bytes that an engine which reads GGUF files takes at the load, beside the model: for answers, and for what goes with it."""
        return (
            self._cache_tokens(version) * version.inspection.cache_bytes_per_token + version.inspection.companion_bytes
        )

    def _cache_tokens(self, version: ModelVersion) -> int:
        """For all answers together; 0 where the context is not known."""
        per_token, sequences = version.inspection.cache_bytes_per_token, self._settings().max_sequences
        return placement.cache_cells(self._context(version) or 0, per_token, sequences, self.memory_limit)

    async def _start(self, engine: str) -> Worker:
        return await Worker.start(engine, stall_timeout_s=self._settings().stall_timeout_s)

    async def _room_for_spare(self) -> bool:
        available = await asyncio.to_thread(hardware.available_memory)
        return available >= ROOM_BESIDE_SPARE * SPARE_BYTES and self._used() + SPARE_BYTES <= self.memory_limit

    def _frame(self, version: ModelVersion, device: str, engine: Engine) -> Load:
        settings = self._settings()
        return Load(
            model=version.model,
            path=str(version.path),
            task=version.task,
            device=device,
            threads=settings.threads,
            max_sequences=settings.max_sequences,
            batch_tokens=settings.batch_tokens,
            quantization=version.options.quantization or "auto",
            prefix_cache_mb=self._prefix_cache_mb(version),
            context_length=self._context(version) or 0,
            cache_tokens=self._cache_tokens(version),
            adapters=version.options.adapters,
            draft_model=version.options.draft_model,
            projector=str(projector) if (projector := version.inspection.projector) else None,
            prepared=str(engine.prepared) if engine.prepared else None,
            derived=str(own) if (own := self._own_folder(engine)) else None,
        )

    def _own_folder(self, engine: Engine) -> Path | None:
        """Where an engine may keep what it makes, None where the settings do not want that."""
        return engine.derived if self._settings().keep_rounded_weights else None


def cached_share(path: Path) -> float:
    """Of a model's largest file; all of it where the system does not tell. Blocks on the disk."""
    file = largest_file([path])
    share = hardware.cached_share(file) if file else None
    return 1.0 if share is None else share


def largest_file(paths: Iterable[Path]) -> Path | None:
    """Of models, which are files or folders with files."""
    files = [file for path in paths for file in ([path] if path.is_file() else path.glob("*")) if file.is_file()]
    return max(files, key=lambda file: file.stat().st_size, default=None)
