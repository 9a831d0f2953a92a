"""Removing models and bringing them back: it joins the trash on the disk with the registry and with what is in memory."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from sidecar.config import Settings
from sidecar.errors import Conflict, InglenookError
from sidecar.events import EventBus
from sidecar.registry.derived import Derived
from sidecar.registry.manifest import Manifests
from sidecar.registry.store import Model, ModelStore
from sidecar.runtime.relocating import Relocating
from sidecar.storage import files
from sidecar.storage.files import Removable
from sidecar.storage.trash import Record, Trash
from sidecar.types import RemovedModel, TrashedModel

log = logging.getLogger(__name__)

MB = 1 << 20
DAY = 24 * 3600.0


class Trashing:
    """`let_go(model, gone)` takes a model out of memory and ends its jobs; it raises Conflict while requests run, unless it
    is gone already. What was made of a model stays until the trash is emptied of it."""

    def __init__(
        self,
        store: ModelStore,
        derived: Derived,
        manifests: Manifests,
        relocating: Relocating,
        let_go: Callable[[str, bool], Awaitable[None]],
        events: EventBus,
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._derived = derived
        self._manifests = manifests
        self._relocating = relocating
        self._let_go = let_go
        self._events = events
        self._settings = settings
        self._trash = Trash(manifests)

    async def open(self) -> None:
        """A removal that a crash interrupted is undone, a restoration is finished."""
        for record in await asyncio.to_thread(self._trash.all):
            if not record.settled:
                try:
                    await self._brought_back(record)
                except InglenookError as error:
                    log.warning("%s stays in the trash: %s", record.model, error.message)

    async def remove(self, model_id: str) -> RemovedModel:
        """Move a model to the trash. Raises ModelNotFound, Conflict (built in, busy, or the folder moves), EnvironmentFault."""
        model = self._store.get(model_id)
        if model.builtin:
            raise Conflict(f"{model_id!r} came with the application and cannot be removed.", reason="built in")
        async with self._relocating.changing():
            await self._let_go(model_id, False)
            removable = await asyncio.to_thread(self._removable, model)
            record = await asyncio.to_thread(self._trash.put, model, removable)
            await self._forgotten(record)
            await self._let_go(model_id, True)  # a request may have come meanwhile
            taken = await asyncio.to_thread(self._trash.weight, record)
        self._events.model(model_id, "removed")
        self._events.storage()
        return RemovedModel(record.id, model_id, taken, self._said(model, removable))

    async def all(self) -> list[TrashedModel]:
        """The newest first."""
        return await asyncio.to_thread(lambda: [self._told(record) for record in self._trash.all()])

    async def restore(self, trash_id: str) -> Model:
        """Bring a model back with its options. Raises TrashNotFound, Conflict when name or place are taken, EnvironmentFault."""
        async with self._relocating.changing():
            record = await asyncio.to_thread(self._trash.get, trash_id)
            if any(model.id == record.model for model in self._store.all()):
                raise Conflict(
                    f"There is a model named {record.model!r} again: remove that one first.", reason="the name is taken"
                )
            await asyncio.to_thread(self._trash.settle, record, settled=False)
            model = await self._brought_back(record)
        self._events.model(model.id, "registered")
        self._events.storage()
        return model

    async def delete(self, trash_id: str) -> int:
        """Delete one for good. Returns the bytes that are gone. Raises TrashNotFound, Conflict, EnvironmentFault."""
        async with self._relocating.changing():
            return await self._deleted([await asyncio.to_thread(self._trash.get, trash_id)])

    async def empty(self, *, keep: frozenset[str] = frozenset(), older_than: float = 0.0) -> int:
        """Delete all for good but those to `keep` and those removed within so many seconds. Returns the bytes that are gone."""
        async with self._relocating.changing():
            before = time.time() - older_than
            records = await asyncio.to_thread(self._trash.all)
            return await self._deleted(
                [record for record in records if record.id not in keep and record.deleted_at <= before]
            )

    async def versions(self) -> set[str]:
        """Of the models in it: what was made of them is kept."""
        return {record.version for record in await asyncio.to_thread(self._trash.all)}

    # ---- removing ---------------------------------------------------------------------------------------------------

    def _removable(self, model: Model) -> Removable:
        others = {other.id: files.needed(other) for other in self._store.all() if other.id != model.id}
        return files.removable(self._manifests.models_dir, model, others)

    async def _forgotten(self, record: Record) -> None:
        """Off the list, and the record settled; what went wrong is undone. Raises DatabaseUnusable, EnvironmentFault."""
        try:
            await self._store.forget(record.model)
            await asyncio.to_thread(self._trash.settle, record)
        except InglenookError:
            await self._brought_back(record)
            raise

    def _said(self, model: Model, removable: Removable) -> str:
        if not removable.files:
            return f"{model.id} is forgotten; its files in {model.path} stay, because {_reason(model, removable)}."
        days = self._settings().trash_days
        kept = f" What {_names(removable.keepers)} needs of its files stays." if removable.keepers else ""
        until = f"for {days} days" if days else "until that is emptied"
        return f"{model.id} is in the trash {until}.{kept}"

    # ---- the way back, and the end ----------------------------------------------------------------------------------

    async def _brought_back(self, record: Record) -> Model:
        await asyncio.to_thread(self._trash.bring_back, record)
        model = await self._store.put_back(record.known(self._manifests.models_dir.resolve()))
        await asyncio.to_thread(self._trash.drop, record)
        return model

    async def _deleted(self, records: list[Record]) -> int:
        freed = 0
        for record in records:
            taken = await asyncio.to_thread(self._trash.weight, record)
            await asyncio.to_thread(self._trash.drop, record)
            freed += taken + await self._forget_derived(record.version)
        if records:
            self._events.storage()
        return freed

    async def _forget_derived(self, version: str) -> int:
        """Delete what was made of a version that no model here or in the trash stands for. Returns its bytes."""
        standing = {model.version for model in self._store.all()} | await self.versions()
        if not version or version in standing:
            return 0
        made = await asyncio.to_thread(files.weight, [self._derived.of(version)])
        await asyncio.to_thread(self._derived.delete, version)
        return made

    def _told(self, record: Record) -> TrashedModel:
        days = self._settings().trash_days
        expires = record.deleted_at + days * DAY if days else None
        return TrashedModel(
            record.id, record.model, record.model_type, self._trash.weight(record), record.deleted_at, expires
        )


def _reason(model: Model, removable: Removable) -> str:
    """Why none of the files go."""
    if removable.keepers:
        return f"{_names(removable.keepers)} needs them"
    if model.origin == "hub_cache":
        return "they are in the cache of the hub's library, which other programs use"
    return "they are not in Inglenook's models folder"


def _names(keepers: tuple[str, ...]) -> str:
    return keepers[0] if len(keepers) == 1 else f"{keepers[0]} (and {len(keepers) - 1} more)"
