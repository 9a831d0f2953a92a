"""What lies on the disk: how much it is, cleaning it up, and once a day what is old enough to go by itself."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from sidecar.config import Settings
from sidecar.errors import Conflict, InglenookError, InvalidRequest
from sidecar.events import EventBus
from sidecar.hardware import existing
from sidecar.imports import staging
from sidecar.registry.derived import Derived
from sidecar.registry.manifest import IMPORTING, PARTIAL
from sidecar.registry.store import Model, ModelStore
from sidecar.runtime.hub import Hub
from sidecar.runtime.relocating import Relocating
from sidecar.runtime.trashing import DAY, Trashing
from sidecar.storage import cleaning, files, usage
from sidecar.types import Cleaned, CleanRequest, StorageInfo

log = logging.getLogger(__name__)


class Storing:
    """`trash` and `relocating` do what their names say. `settings()` gives those in force."""

    def __init__(
        self,
        store: ModelStore,
        derived: Derived,
        hub: Hub,
        trash: Trashing,
        relocating: Relocating,
        events: EventBus,
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._derived = derived
        self._hub = hub
        self.trash = trash
        self.relocating = relocating
        self._events = events
        self._settings = settings
        self._daily: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Undo what a crash interrupted, and begin to delete what is old."""
        await self.trash.open()
        self._daily = asyncio.create_task(self._every_day(), name="empty the trash")

    async def close(self) -> None:
        self.relocating.close()
        if self._daily is not None:
            self._daily.cancel()
            await asyncio.wait({self._daily})

    async def info(self) -> StorageInfo:
        """What everything takes, read from the disk."""
        strays = await self._stray_partials()
        trashed = await self.trash.all()
        gone = await self._gone_versions()
        info = await asyncio.to_thread(self._measured, strays, gone)
        info.trash_bytes = sum(entry.bytes for entry in trashed)
        return info

    async def clean(self, request: CleanRequest) -> Cleaned:
        """Delete what is named, and nothing else. Raises InvalidRequest, ModelNotFound, Conflict, EnvironmentFault."""
        if not (request.partial or request.quarantine or request.derived or request.trash or request.models):
            raise InvalidRequest(reason="name what to clean: partial, quarantine, derived, trash or models")
        models = [self._store.get(model_id) for model_id in dict.fromkeys(request.models)]
        _refuse_used(models, request.unused_days)
        if request.dry_run:
            return await self._would_clean(request, models)
        removed = [await self.trash.remove(model.id) for model in models]
        cleaned = await self._cleaned(request, frozenset(entry.trash_id for entry in removed))
        cleaned.removed, cleaned.trashed_bytes = removed, sum(entry.bytes for entry in removed)
        self._events.storage()
        return cleaned

    # ---- how much ---------------------------------------------------------------------------------------------------

    def _measured(self, strays: set[str], gone: list[Path]) -> StorageInfo:
        folder = self.relocating.folder
        disk = shutil.disk_usage(existing(folder))
        left = staging.strays(folder)
        models = usage.measure(folder, self._derived, self._store.all())
        return StorageInfo(
            folder=str(folder),
            folder_bytes=files.weight([folder]),
            free_bytes=disk.free,
            total_bytes=disk.total,
            models=models,
            trash_bytes=0,
            partial_bytes=files.weight([folder / PARTIAL, folder / IMPORTING, *left]),
            stray_partial_bytes=cleaning.stray_bytes(self._hub.parts, strays) + files.weight(left),
            quarantine_bytes=files.weight(cleaning.quarantined(folder)),
            derived_bytes=files.weight([self._derived.root]),
            stray_derived_bytes=files.weight(gone),
            moving_job=self.relocating.job_id,
        )

    async def _stray_partials(self) -> set[str]:
        """Listed before it is asked what is wanted, so that what comes meanwhile is none."""
        names = await asyncio.to_thread(self._hub.parts.names)
        return names - self._hub.downloads.wanted()

    async def _gone_versions(self) -> list[Path]:
        """What was made of models that are neither here nor in the trash; nothing while one of them cannot be read."""
        models = self._store.all()
        if any(model.inspection is None for model in models):
            return []
        standing = {model.version for model in models} | await self.trash.versions()
        return await asyncio.to_thread(self._derived.strays, standing)

    # ---- cleaning ---------------------------------------------------------------------------------------------------

    async def _would_clean(self, request: CleanRequest, models: list[Model]) -> Cleaned:
        info = await self.info()
        named = {model.id for model in models}
        found = _cleaned(
            info.stray_partial_bytes if request.partial else 0,
            info.quarantine_bytes if request.quarantine else 0,
            info.stray_derived_bytes if request.derived else 0,
            info.trash_bytes if request.trash else 0,
        )
        found.trashed_bytes = sum(stored.freed_bytes for stored in info.models if stored.id in named)
        found.dry_run = True
        return found

    async def _cleaned(self, request: CleanRequest, keep: frozenset[str]) -> Cleaned:
        trash = await self.trash.empty(keep=keep) if request.trash else 0
        async with self.relocating.changing():
            partial = await self._drop_strays() if request.partial else 0
            quarantine = await self._empty_quarantine() if request.quarantine else 0
            derived = await asyncio.to_thread(cleaning.delete, await self._gone_versions()) if request.derived else 0
        return _cleaned(partial, quarantine, derived, trash)

    async def _drop_strays(self) -> int:
        imports = await asyncio.to_thread(_sweep, self.relocating.folder)
        return imports + await asyncio.to_thread(cleaning.drop_strays, self._hub.parts, await self._stray_partials())

    async def _empty_quarantine(self, older_than: float = 0.0) -> int:
        found = await asyncio.to_thread(cleaning.quarantined, self.relocating.folder, older_than)
        return await asyncio.to_thread(cleaning.delete, found)

    async def _every_day(self) -> None:
        while True:
            try:
                await self._delete_old()
            except InglenookError as error:  # the folder moves, or cannot be written: tomorrow again
                log.warning("the trash was not emptied: %s", error.message)
            await asyncio.sleep(DAY)

    async def _delete_old(self) -> None:
        """What was removed or set aside longer ago than the settings keep it."""
        if seconds := self._settings().trash_days * DAY:
            await self.trash.empty(older_than=seconds)
            async with self.relocating.changing():
                await self._empty_quarantine(seconds)


def _sweep(models_dir: Path) -> int:
    """Delete what imports and exports left behind. Returns the bytes that are gone."""
    before = files.weight(found := staging.strays(models_dir))
    staging.sweep(models_dir, arriving_days=0)
    return before - files.weight(found)


def _cleaned(partial: int, quarantine: int, derived: int, trash: int) -> Cleaned:
    freed = partial + quarantine + derived + trash
    return Cleaned(partial, quarantine, derived, trash, freed, trashed_bytes=0, dry_run=False)


def _refuse_used(models: list[Model], days: int) -> None:
    """Raises Conflict when one of the models was used within so many days."""
    since = time.time() - days * DAY
    used = [model.id for model in models if (model.last_used_at or model.created_at) > since]
    if days and used:
        raise Conflict(f"{', '.join(used)} was used within {days} days.", reason="used meanwhile")
