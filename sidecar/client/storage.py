"""The client's calls for what lies on the disk: what takes space, removing models and bringing them back, moving them."""

from __future__ import annotations

from urllib.parse import quote

from sidecar.client.wire import Wire, of
from sidecar.types import (
    Cleaned,
    CleanRequest,
    DeletedResponse,
    JobStarted,
    ModelInfo,
    MoveRequest,
    RemovedModel,
    StorageInfo,
    TrashedModel,
)


class StorageCalls(Wire):
    """Errors as everywhere in the client."""

    async def storage(self) -> StorageInfo:
        """Read from the disk, which may take a moment."""
        return await self._send("GET", "/storage", None, StorageInfo)

    async def remove(self, model_id: str) -> RemovedModel:
        """Move it to the trash. Conflict while requests run on it."""
        return await self._send("DELETE", of(model_id, "remove"), None, RemovedModel)

    async def trash(self) -> list[TrashedModel]:
        """The models that can be brought back, the newest first."""
        return await self._send("GET", "/storage/trash", None, list[TrashedModel])

    async def restore(self, trash_id: str) -> ModelInfo:
        """Bring a removed model back. Conflict when its name is taken."""
        return await self._send("POST", f"{_trashed(trash_id)}/restore", None, ModelInfo)

    async def delete_trashed(self, trash_id: str) -> DeletedResponse:
        """For good; answers with the bytes."""
        return await self._send("DELETE", _trashed(trash_id), None, DeletedResponse)

    async def empty_trash(self) -> DeletedResponse:
        """For good; answers with the bytes."""
        return await self._send("DELETE", "/storage/trash", None, DeletedResponse)

    async def clean(self, request: CleanRequest) -> Cleaned:
        return await self._send("POST", "/storage/clean", request, Cleaned)

    async def move_models(self, folder: str) -> JobStarted:
        """Begin to move the models folder; follow it with `job` or among the events."""
        return await self._send("POST", "/storage/move", MoveRequest(folder), JobStarted)


def _trashed(trash_id: str) -> str:
    return f"/storage/trash/{quote(trash_id, safe='')}"
