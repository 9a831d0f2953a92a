"""The manager: the one face of everything that runs models, for the routes, the command line and Python programs.

    async with ModelManager.open(settings) as manager:
        result = await manager.task(task_data="hello", task_type="embedding", model_name="some-model")

It puts the parts together (registry, residency, workers, inference, history, metrics, events) and has little of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar import hardware
from sidecar.config import Settings
from sidecar.db import Database
from sidecar.errors import EnvironmentFault
from sidecar.events import EventBus
from sidecar.history import History
from sidecar.metrics import Metrics
from sidecar.paths import Paths, resources_dir
from sidecar.registry.derived import Derived
from sidecar.registry.manifest import left_behind
from sidecar.registry.store import ModelStore, ModelVersion
from sidecar.runtime.arrivals import Arrivals
from sidecar.runtime.asking import Asking
from sidecar.runtime.calibration import Calibrator, Figures
from sidecar.runtime.embedding import Embedding
from sidecar.runtime.embedding_cache import EmbeddingCache
from sidecar.runtime.engines import EngineChooser
from sidecar.runtime.evidence import Evidence
from sidecar.runtime.hub import Hub
from sidecar.runtime.inference import Inference
from sidecar.runtime.jobs import Jobs
from sidecar.runtime.launcher import Launcher, largest_file
from sidecar.runtime.learning import Learning
from sidecar.runtime.models import Models
from sidecar.runtime.outlook import Outlook
from sidecar.runtime.placement import replica_devices
from sidecar.runtime.predicting import Predictor
from sidecar.runtime.prediction import Surroundings
from sidecar.runtime.preparing import Preparing
from sidecar.runtime.protocol import Loaded
from sidecar.runtime.relocating import Relocating, models_folder
from sidecar.runtime.reporting import Reporter
from sidecar.runtime.residency import Change, Limits, Residency
from sidecar.runtime.resident import LoopClock
from sidecar.runtime.storing import Storing
from sidecar.runtime.tasks import Tasks
from sidecar.runtime.trashing import Trashing
from sidecar.runtime.verifying import Verifying
from sidecar.runtime.worker import Worker
from sidecar.types import (
    Calibration,
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    DecideRequest,
    DecideResponse,
    EmbedRequest,
    EmbedResponse,
    GenerateBatchResponse,
    GenerateChunk,
    GenerateRequest,
    GenerateResponse,
    InferenceRequest,
    InferenceResponse,
    JobInfo,
    LoadRequest,
    LoadResponse,
    ModelInfo,
    ModelsSummary,
    PredictRequest,
    PredictResponse,
    PrepareRequest,
    RegisterRequest,
    RemovedModel,
    RerankRequest,
    RerankResponse,
    Result,
    TranslateBatchResponse,
    TranslateRequest,
    TranslateResponse,
    UpdateRequest,
    VerifyResponse,
)

if TYPE_CHECKING:
    from sidecar.runtime.importing import Importing

MB = 1024 * 1024
MEASURING_BYTES = 900 * MB  # the libraries, and matrices that no cache holds
DEFAULT_LOAD = LoadRequest()
DEFAULT_ASKED = PredictRequest()


class ModelManager:
    """Made by `open`. All methods belong to one event loop."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: ModelStore,
        derived: Derived,
        chooser: EngineChooser,
        total_memory: int,
        gpus: int,
        events: EventBus,
        metrics: Metrics,
        paths: Paths,
        models_dir: Path,
    ) -> None:
        self.settings = settings
        self.events = events
        self.metrics = metrics
        self.history = History(database, lambda: self.settings)
        self._store = store
        self._clock = LoopClock()
        self._reporter = Reporter(events, metrics)
        self._evidence = Evidence(database)
        self._learning = Learning(self._evidence)
        self._launcher = Launcher(
            store,
            chooser,
            metrics,
            lambda: self.settings,
            self._used_bytes,
            self._busy,
            total_memory,
            self._observe_load,
            lambda version: self._verifying.before_load(version),
        )
        self._residency: Residency[Worker] = Residency(
            spawn=self._launch,
            needed=self._launcher.needed,
            available=lambda: asyncio.to_thread(hardware.available_memory),
            relieve=self._launcher.spare.close,
            report=self._model_changed,
            limits=self._limits,
            devices=lambda asked, actual, count: replica_devices(asked, actual, count, gpus),
            clock=self._clock,
        )
        self._asking = Asking(self._residency, store, self.history, metrics, lambda: self.settings, self._learning)
        self.calibrator = Calibrator(
            paths.calibration,
            measure=self._measure_machine,
            idle_s=lambda: 0.0 if self._busy() else self._asking.rested_s,
            wanted=lambda: self.settings.calibrate,
            threads=lambda: self.settings.threads,
            clock=self._clock,
        )
        self._predictor = Predictor(store, chooser, self._residency, self._launcher, self.calibrator, self._evidence)
        cache = EmbeddingCache(database, lambda: self.settings)
        embedding = Embedding(cache, metrics, lambda version: chooser.choice(version, version.options.device).engine)
        self._models = Models(store, derived, chooser, self._residency, events, self._clock, lambda: self.settings)
        self._inference = Inference(self._asking, embedding, store, self._models.version, lambda: self.settings)
        self._jobs = Jobs(events)
        self._preparing = Preparing(store, derived, self._jobs, chooser, lambda: self.settings, self._models.renew)
        self._arrivals = Arrivals(store, self._models, lambda: self.settings)
        self.hub = Hub(database, paths, models_dir, events, lambda: self.settings, self._arrivals)
        self._verifying = Verifying(store, self._models, derived, self.hub.manifests, self.hub.downloads)
        relocating = Relocating(
            store, self.hub, self._jobs, paths.move_journal, events, switched=lambda: self._models.relocated()
        )
        trash = Trashing(store, derived, self.hub.manifests, relocating, self._let_go, events, lambda: self.settings)
        self.storage = Storing(store, derived, self.hub, trash, relocating, events, lambda: self.settings)
        self._tasks = Tasks(self._models, self._inference, lambda: self.settings)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        paths: Paths | None = None,
        *,
        events: EventBus | None = None,
        metrics: Metrics | None = None,
    ) -> AsyncIterator[ModelManager]:
        """A working manager; at the end of the block every worker is gone. Raises DatabaseUnusable, DiskFull, OSError."""
        paths = paths or Paths.resolve()
        await asyncio.to_thread(paths.create)
        database = await Database.open(paths.database)
        try:
            models_dir = await models_folder(settings, paths, database)
            store = await ModelStore.open(database, await asyncio.to_thread(resources_dir) / "models")
            derived = Derived(paths.derived_dir)
            await asyncio.to_thread(derived.read)
            chooser = await asyncio.to_thread(EngineChooser.create, derived)
            total_memory = await asyncio.to_thread(hardware.total_memory)
            manager = cls(
                settings,
                database,
                store,
                derived,
                chooser,
                total_memory,
                await asyncio.to_thread(hardware.gpu_count),
                events or EventBus(),
                metrics or Metrics(),
                paths,
                models_dir,
            )
            async with manager._running():
                yield manager
        finally:
            await database.close()

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        figures = asyncio.create_task(self._reporter.tell_figures(self._figures), name="system figures")
        self._prepare_spare()
        await self._evidence.open()
        await self.calibrator.open()
        if await asyncio.to_thread(left_behind, self.hub.manifests.models_dir):
            await self.imports.open()
        await self.storage.open()
        await self.hub.open()
        try:
            yield
        finally:
            await self.storage.close()
            await self._jobs.close()
            await self.hub.close()
            await self.calibrator.close()
            figures.cancel()
            await asyncio.wait({figures})
            await self._residency.close()
            await self._launcher.spare.close()
            await self._store.write_usage()
            await self.history.close()
            await self._evidence.close()
            self.events.close()

    @cached_property
    def imports(self) -> Importing:
        """Imports and exports; what they need is imported with the first of them, not at the start."""
        from sidecar.imports.fetching import FileFetcher
        from sidecar.runtime.importing import Importing

        fetcher = FileFetcher(self.hub.connection, self.hub.throttle)
        return Importing(
            self._store, self._models, self._arrivals, self.hub.manifests, self._jobs, self.hub.downloads, fetcher
        )

    def apply(self, settings: Settings) -> None:
        """Use other settings from now on. What is marked restart in the table is not looked at again."""
        self.settings = settings
        self._residency.limits_changed()
        self.calibrator.settings_changed()

    # ---- models -----------------------------------------------------------------------------------------------------

    async def register(self, request: RegisterRequest) -> ModelInfo:
        """Make a folder known, without loading it. Raises InvalidRequest, Conflict (the name means another folder)."""
        return await self._models.register(request)

    async def update(self, model_id: str, request: UpdateRequest) -> ModelInfo:
        """Raises ModelNotFound, InvalidRequest."""
        return await self._models.update(model_id, request)

    async def remove(self, model_id: str) -> RemovedModel:
        """Unload it, and move it to the trash. Raises ModelNotFound, Conflict (built in, busy), EnvironmentFault."""
        return await self.storage.trash.remove(model_id)

    def models(self) -> list[ModelInfo]:
        return self._models.all()

    def model(self, model_id: str) -> ModelInfo:
        """Raises ModelNotFound."""
        return self._models.get(model_id)

    async def load(self, model_id: str, request: LoadRequest = DEFAULT_LOAD) -> LoadResponse:
        """Bring it into memory, or change how the loaded one is kept.

        Raises ModelNotFound, InvalidRequest, DoesNotFit, LoadFailed, Conflict (it is busy on another device).
        """
        return await self._models.load(model_id, request)

    async def verify(self, model_id: str) -> VerifyResponse:
        """Compare every file with its hash; what is damaged is fetched again. Raises ModelNotFound, InvalidRequest."""
        async with self.storage.relocating.using():
            return await self._verifying.verify(model_id)

    async def _let_go(self, model_id: str, gone: bool) -> None:
        """Nothing reads the model's files any more. Raises Conflict while requests run, unless it is `gone` already."""
        await self._residency.unload(model_id, force=gone)
        await self._verifying.give_up(model_id)
        await self._jobs.cancel_of(model_id)
        if gone:
            await self._evidence.forget(model_id)

    async def _launch(self, version: ModelVersion, device: str) -> Worker:
        """A worker with the model, read from where it lies now."""
        async with self.storage.relocating.using():
            return await self._launcher.launch(self._store.current(version), device)

    async def unload(self, model_id: str, *, force: bool = False) -> None:
        """Raises ModelNotFound; Conflict while requests run, unless `force` ends them."""
        await self._models.unload(model_id, force=force)

    # ---- jobs -------------------------------------------------------------------------------------------------------

    def prepare(self, model_id: str, request: PrepareRequest) -> JobInfo:
        """Begin to convert a model for a quicker engine. Raises ModelNotFound, LoadFailed, Unsupported, Conflict."""
        return self._preparing.start(model_id, request)

    def jobs(self) -> list[JobInfo]:
        return self._jobs.all()

    def job(self, job_id: str) -> JobInfo:
        """Raises JobNotFound."""
        return self._jobs.get(job_id)

    async def cancel_job(self, job_id: str) -> JobInfo:
        """Stop a job and wait until it has cleaned up. Raises JobNotFound."""
        return await self._jobs.cancel(job_id)

    # ---- inference --------------------------------------------------------------------------------------------------

    async def generate(
        self, model_id: str, request: GenerateRequest, *, caller: str
    ) -> GenerateResponse | GenerateBatchResponse:
        return await self._inference.generate(model_id, request, caller=caller)

    def stream(self, model_id: str, request: GenerateRequest, *, caller: str) -> AsyncGenerator[GenerateChunk, None]:
        """Close the iterator to cancel: the worker stops within one step."""
        return self._inference.stream(model_id, request, caller=caller)

    async def classify(
        self, model_id: str, request: ClassifyRequest, *, caller: str
    ) -> ClassifyResponse | ClassifyBatchResponse:
        return await self._inference.classify(model_id, request, caller=caller)

    async def translate(
        self, model_id: str, request: TranslateRequest, *, caller: str
    ) -> TranslateResponse | TranslateBatchResponse:
        return await self._inference.translate(model_id, request, caller=caller)

    async def embed(self, model_id: str, request: EmbedRequest, *, caller: str) -> EmbedResponse:
        return await self._inference.embed(model_id, request, caller=caller)

    async def decide(self, model_id: str, request: DecideRequest, *, caller: str) -> DecideResponse:
        return await self._inference.decide(model_id, request, caller=caller)

    async def rerank(self, model_id: str, request: RerankRequest, *, caller: str) -> RerankResponse:
        return await self._inference.rerank(model_id, request, caller=caller)

    async def inference(self, request: InferenceRequest, *, caller: str) -> InferenceResponse:
        """The task that the body names, by the model it names or the settings' one for that task."""
        return await self._tasks.inference(request, caller=caller)

    async def task(
        self,
        *,
        task_data: dict[str, Any] | list[str] | str | None = None,
        task_type: str,
        model_name: str,
        num_workers: int = 1,
        device: str = "auto",
        keep_alive: float | None = None,
        caller: str = "python",
    ) -> Result:
        """Load what is needed and run; without data only load. `keep_alive` in minutes: 0 unloads at once, negative never.

        What goes wrong is in the result's `error`; nothing is raised but faults of our own.
        """
        return await self._tasks.task(
            caller,
            task_data=task_data,
            task_type=task_type,
            model_name=model_name,
            num_workers=num_workers,
            device=device,
            keep_alive=keep_alive,
        )

    async def release_model(self, name: str) -> Result:
        """Take a model out of memory. It stays known, and the next request loads it again."""
        return await self._tasks.release_model(name)

    # ---- prediction -------------------------------------------------------------------------------------------------

    async def predict(self, model_id: str, request: PredictRequest = DEFAULT_ASKED) -> PredictResponse:
        """What a model would take, before it is loaded, beside what it took. Raises ModelNotFound, LoadFailed."""
        return await self._predictor.predict(model_id, request)

    async def outlook(self, models_dir: Path) -> Outlook:
        """What this machine could do now for models that are not here; their files would go to `models_dir`."""
        return await self._predictor.outlook(models_dir, self.settings)

    async def calibrate(self) -> Calibration:
        """Measure this machine now. Raises Conflict while requests run, LoadFailed, EnvironmentFault."""
        return await self.calibrator.measure()

    async def _measure_machine(self) -> Figures:
        """Reading is measured with the largest file there is of a model. Raises EnvironmentFault when memory is short."""
        available = await asyncio.to_thread(hardware.available_memory)
        if available < MEASURING_BYTES:
            needed, free = MEASURING_BYTES // MB, available // MB
            raise EnvironmentFault(f"Measuring takes about {needed} MB of memory, and {free} MB are free.")
        file = await asyncio.to_thread(largest_file, [model.path for model in self._store.all()])
        return await self._launcher.measure(file)

    def _observe_load(self, version: ModelVersion, loaded: Loaded, start_s: float, before: Surroundings) -> None:
        loads = sum(resident.loading is not None for resident in self._residency.residents())
        if self.active_requests <= 1 and loads <= 1:
            self._learning.loaded(version, loaded, start_s, before)

    # ---- figures ----------------------------------------------------------------------------------------------------

    def summary(self) -> ModelsSummary:
        models = self._store.all()
        return ModelsSummary(
            total=len(models),
            loaded=self._loaded(),
            by_type=dict(Counter(model.model_type for model in models)),
            memory_usage_mb=self.memory_usage_mb,
        )

    @property
    def queue_depth(self) -> int:
        """Requests that wait for a model or for their turn in it."""
        return self._residency.queue_depth

    @property
    def active_requests(self) -> int:
        """Requests in progress, waiting ones included."""
        return self._asking.active_requests

    @property
    def memory_usage_mb(self) -> float:
        """What loaded models use together, as last measured."""
        return round(self._used_bytes() / MB, 1)

    @property
    def memory_limit(self) -> int:
        """Bytes that models may use together."""
        return self._launcher.memory_limit

    def observe(self) -> None:
        """Set the gauges of the metrics to what is so now."""
        self.metrics.queue_depth.set(self.queue_depth)
        self.metrics.active.set(self.active_requests)
        self.metrics.set_memory(
            {resident.model: resident.memory_bytes for resident in self._residency.residents() if resident.live}
        )

    def _figures(self) -> dict[str, Any]:
        return {
            "models_loaded": self._loaded(),
            "models_memory_mb": self.memory_usage_mb,
            "active_requests": self.active_requests,
        }

    def _loaded(self) -> int:
        return sum(1 for resident in self._residency.residents() if resident.live)

    def _used_bytes(self) -> int:
        return sum(resident.memory_bytes for resident in self._residency.residents())

    def _busy(self) -> bool:
        return self.active_requests > 0 or any(resident.loading for resident in self._residency.residents())

    def _limits(self) -> Limits:
        settings = self.settings
        return Limits(
            models=settings.max_loaded_models,
            memory=self.memory_limit,
            queue=settings.queue_limit,
            sequences=settings.max_sequences,
            keep_alive=settings.keep_alive_s,
            round_robin=settings.dispatch == "round_robin",
        )

    def _model_changed(self, model: str, change: Change, message: str | None) -> None:
        self._reporter.model_changed(model, change, message)
        if change == "loaded" and self.settings.auto_prepare:
            self._preparing.start_unasked(model)

    def _prepare_spare(self) -> None:
        engines = {info.engine for info in self.models()} - {"echo", "llamacpp"}  # those import in no time
        if engines:
            self._launcher.spare.prepare(max(engines))  # transformers, where it is among them, has most to import
