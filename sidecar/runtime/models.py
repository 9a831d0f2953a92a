"""The known models: register, change, remove, describe, load, unload. It joins the registry with what is in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from sidecar.config import Settings
from sidecar.errors import LoadFailed, ModelNotFound
from sidecar.events import EventBus
from sidecar.registry.derived import Derived
from sidecar.registry.store import Model, ModelOptions, ModelStore, ModelVersion
from sidecar.runtime.choosing import Choice
from sidecar.runtime.devices import check_device
from sidecar.runtime.engines import EngineChooser
from sidecar.runtime.model_info import model_info
from sidecar.runtime.residency import Residency
from sidecar.runtime.resident import Clock, Resident, Wish
from sidecar.runtime.worker import Worker
from sidecar.types import LoadRequest, LoadResponse, ModelInfo, Origin, RegisterRequest, UpdateRequest

LOADED_WITH = (
    "engine",
    "quantization",
    "device",
    "num_workers",
    "use_projector",
    "adapters",
    "draft_model",
)  # options that a model in memory cannot take over


class Models:
    """The administrative half of the manager. `settings()` gives those in force."""

    def __init__(
        self,
        store: ModelStore,
        derived: Derived,
        chooser: EngineChooser,
        residency: Residency[Worker],
        events: EventBus,
        clock: Clock,
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._derived = derived
        self._chooser = chooser
        self._residency = residency
        self._events = events
        self._clock = clock
        self._settings = settings

    def all(self) -> list[ModelInfo]:
        return [self.get(model.id) for model in self._store.all()]

    def get(self, model_id: str) -> ModelInfo:
        """Raises ModelNotFound."""
        model, resident = self._store.get(model_id), self._residency.get(model_id)
        preparation = self._derived.preparation(model.version, model.model_type)
        info = model_info(model, resident, self._clock.now(), self._choice(model), preparation)
        info.preparable = model.inspection is not None and self._chooser.preparable(self._store.resolve(model_id))
        return info

    async def register(self, request: RegisterRequest, origin: Origin = "in_place") -> ModelInfo:
        check_device(request.device)
        values = {name: getattr(request, name) for name in ModelOptions.__struct_fields__ if hasattr(request, name)}
        known = {model.id: model.version for model in self._store.all()}
        path, options = Path(request.model_path), ModelOptions(**values)
        await self._store.add(request.name, request.model_type, path, options, origin)
        await self._forget_derived(known.get(request.name, ""))
        return self._changed(request.name, "changed" if request.name in known else "registered")

    async def refresh(self, model_id: str) -> ModelInfo:
        """Its files changed: look at them again. Raises ModelNotFound."""
        await self._store.look_again(model_id)
        return self._changed(model_id, "changed")

    async def update(self, model_id: str, request: UpdateRequest) -> ModelInfo:
        given = {name: getattr(request, name) for name in request.__struct_fields__}
        changes = {name: value for name, value in given.items() if value is not msgspec.UNSET}
        if "device" in changes:
            check_device(changes["device"])
        before = self._store.get(model_id).options
        options = msgspec.structs.replace(before, **changes)
        await self._store.set_options(model_id, options)
        if any(getattr(before, name) != getattr(options, name) for name in LOADED_WITH):
            self._changed(model_id, "changed")
            await self.renew(model_id)
        return self._changed(model_id, "changed")

    async def load(self, model_id: str, request: LoadRequest) -> LoadResponse:
        began = self._clock.now()
        resident = await self.bring_in(model_id, Wish(request.keep_alive, request.device, request.num_workers))
        warnings = [text for replica in resident.live for text in replica.worker.known_facts.warnings]
        milliseconds = round(1000 * (self._clock.now() - began), 3)
        return LoadResponse(model_id, load_time_ms=milliseconds, warnings=list(dict.fromkeys(warnings)))

    async def version(self, model_id: str) -> ModelVersion:
        """What a request means: of a model in memory what was loaded, of another what its files are now.

        Raises ModelNotFound, LoadFailed.
        """
        resident, before = self._residency.get(model_id), self._store.get(model_id).version
        if resident is not None and (resident.live or resident.loading):
            return self._store.resolve(model_id)
        version = await self._store.resolve_anew(model_id)
        if version.version != before:
            await self._forget_derived(before)
            self._events.model(model_id, "changed")
        return version

    async def bring_in(self, model_id: str, wish: Wish) -> Resident[Worker]:
        """Load with a time limit on everything: waiting for busy models to make room, and the load itself."""
        if wish.device is not None:
            check_device(wish.device)
        version, settings = await self.version(model_id), self._settings()
        seconds = settings.request_timeout_s + settings.load_timeout_s
        try:
            async with asyncio.timeout(seconds):
                return await self._residency.load(version, wish)
        except TimeoutError:
            reason = f"there was no room for it within {seconds:g} s because other models were busy."
            raise LoadFailed(model=model_id, reason=reason) from None

    async def unload(self, model_id: str, *, force: bool = False) -> None:
        self._store.get(model_id)
        await self._residency.unload(model_id, force=force)

    def relocated(self) -> None:
        """The files of all models lie elsewhere: what is in memory is loaded from there the next time."""
        for resident in self._residency.residents():
            with contextlib.suppress(ModelNotFound, LoadFailed):
                self._residency.replace_version(self._store.resolve(resident.model))

    async def renew(self, model_id: str) -> None:
        """Let go of what is in memory, unless it is busy, so that its options hold; a pinned model is loaded again."""
        resident = self._residency.get(model_id)
        if resident is None or resident.busy:
            return
        await self._residency.unload(model_id)
        if resident.pinned:
            await self.bring_in(model_id, Wish())

    async def _forget_derived(self, version: str) -> None:
        """Delete what was made of a version that no model stands for any more."""
        if version and version not in {model.version for model in self._store.all()}:
            await asyncio.to_thread(self._derived.delete, version)

    def _choice(self, model: Model) -> Choice:
        """The engine of the next load; of a model whose folder cannot be used, the one it had."""
        if model.inspection is None:
            return Choice(model.engine, None, "")
        return self._chooser.choice(self._store.resolve(model.id), model.options.device)

    def keep_alive(self, resident: Resident[Worker]) -> float:
        """Seconds that a loaded model stays after its last request."""
        return self._residency.keep_alive(resident)

    def _changed(self, model_id: str, state: str) -> ModelInfo:
        """What is in memory follows what the registry says now."""
        if self._residency.get(model_id) is not None:
            self._residency.replace_version(self._store.resolve(model_id))
        self._events.model(model_id, state)
        return self.get(model_id)
