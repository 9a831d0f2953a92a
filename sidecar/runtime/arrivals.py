"""What becomes of files that have arrived: old checkpoints are converted in a worker, and the model is made known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sidecar.config import Settings
from sidecar.errors import InvalidRequest, UnsafeFiles
from sidecar.hub.choosing import FileSet
from sidecar.hub.listing import Repository
from sidecar.registry.inspect import inspect
from sidecar.registry.store import ModelStore, located
from sidecar.runtime.models import Models
from sidecar.runtime.protocol import Convert
from sidecar.runtime.worker import Worker
from sidecar.types import ModelType, Origin, RegisterRequest

CONVERTING = "transformers"  # the engine whose worker has the libraries that read checkpoints
TASKS: dict[str, ModelType] = {
    "text-generation": "text_generation",
    "text-classification": "classification",
    "zero-shot-classification": "classification",
    "translation": "translation",
    "summarization": "text_generation",
    "feature-extraction": "embedding",
    "sentence-similarity": "embedding",
    "text-ranking": "reranking",
}


class Arrivals:
    """The last steps of a download. `settings()` gives those in force."""

    def __init__(self, store: ModelStore, models: Models, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._models = models
        self._settings = settings

    async def convert(self, model: str, folder: Path, report: Callable[[str, float], None]) -> None:
        """Make safetensors of the pickled weights in `folder`. Raises PreparationFailed, DiskFull, WorkerCrashed."""
        worker = await Worker.start(CONVERTING, model=model, stall_timeout_s=self._settings().stall_timeout_s)
        try:
            await worker.convert(Convert(model, str(folder)), report)
        finally:
            await asyncio.shield(worker.close())

    async def register(
        self, name: str | None, repository: Repository, chosen: FileSet, path: Path, origin: Origin
    ) -> str:
        """Make the model at `path` known; returns its id. Raises UnsafeFiles when no engine here can use it, Conflict."""
        path = await asyncio.to_thread(located, path)
        known = self._store.at(path)
        model_id = known.id if known else self._free_name(name or repository.id, repository, chosen)
        if known:
            await self._models.refresh(model_id)
            return model_id
        try:
            inspection = await asyncio.to_thread(inspect, path)
        except InvalidRequest as error:
            reason = f"its files arrived whole, but no engine here can use them: {error.details.get('reason')}."
            raise UnsafeFiles(model=repository.id, reason=reason) from error
        wanted = TASKS.get(repository.task or "")
        model_type = wanted if wanted in inspection.types else inspection.types[0]
        request = RegisterRequest(name=model_id, model_type=model_type, model_path=str(path))
        await self._models.register(request, origin)
        return model_id

    def _free_name(self, name: str, repository: Repository, chosen: FileSet) -> str:
        """The name, or where another model has it, the name with what makes this one differ."""
        taken = {model.id for model in self._store.all()}
        tried = (name, f"{name}-{chosen.name}", f"{name}-{repository.commit[:7]}", f"{name}-{repository.commit[:12]}")
        return next((one for one in tried if one not in taken), tried[-1])
