"""What lies on the disk: what takes space, the trash, cleaning up, moving the models folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sidecar import errors
from sidecar.routes.call import Answer, Call, Route, Service
from sidecar.routes.service import changed_settings
from sidecar.types import (
    Cleaned,
    CleanRequest,
    DeletedResponse,
    JobStarted,
    ModelInfo,
    MoveRequest,
    StorageInfo,
    TrashedModel,
)


async def show_storage(call: Call) -> Answer:
    return await call.manager.storage.info()


async def list_trash(call: Call) -> Answer:
    return await call.manager.storage.trash.all()


async def restore_trashed(call: Call) -> Answer:
    return call.manager.model((await call.manager.storage.trash.restore(_trash_id(call))).id)


async def delete_trashed(call: Call) -> Answer:
    return DeletedResponse(await call.manager.storage.trash.delete(_trash_id(call)))


async def empty_trash(call: Call) -> Answer:
    return DeletedResponse(await call.manager.storage.trash.empty())


async def clean_storage(call: Call, body: CleanRequest) -> Answer:
    return await call.manager.storage.clean(body)


async def move_models(call: Call, body: MoveRequest) -> Answer:
    """Refused where the setting could not be changed for good."""
    source = call.service.configuration.sources["models_dir"]
    if source in ("environment", "flag"):
        raise errors.Conflict(
            f"The models folder is named by the {source}, which config.toml cannot change: set models_dir there alone,"
            " start the service again, and move then.",
            reason=f"set by the {source}",
        )
    return JobStarted((await call.manager.storage.relocating.start(body.folder, remembering(call.service))).id)


async def resume_move(service: Service) -> None:
    """Go on with the move of the models folder that the last service did not finish."""
    await service.manager.storage.relocating.resume(remembering(service))


def remembering(service: Service) -> Callable[[Path], Awaitable[None]]:
    """What writes the models folder into the settings; the one beside the database is the default."""

    async def remember(folder: Path) -> None:
        default = await asyncio.to_thread(service.paths.models_dir.resolve)
        await changed_settings(service, {"models_dir": None if folder == default else str(folder)})

    return remember


def _trash_id(call: Call) -> str:
    return call.request.match_info["trash_id"]


_TRASH = "/storage/trash"
_GROUP = "Storage"
_CHANGES = (errors.Conflict, errors.EnvironmentFault)
ROUTES = [
    Route(
        "GET",
        "/storage",
        show_storage,
        _GROUP,
        "What takes space, what was not used for longest first.",
        (StorageInfo,),
    ),
    Route("GET", _TRASH, list_trash, _GROUP, "The models that can be brought back.", (list[TrashedModel],)),
    Route(
        "POST",
        f"{_TRASH}/{{trash_id}}/restore",
        restore_trashed,
        _GROUP,
        "Bring a model back, with its options and what was made of it.",
        (ModelInfo,),
        errors=(errors.TrashNotFound, errors.DatabaseUnusable, errors.DiskFull, *_CHANGES),
    ),
    Route(
        "DELETE",
        f"{_TRASH}/{{trash_id}}",
        delete_trashed,
        _GROUP,
        "Delete a removed model for good; answers with the bytes.",
        (DeletedResponse,),
        errors=(errors.TrashNotFound, *_CHANGES),
    ),
    Route(
        "DELETE",
        _TRASH,
        empty_trash,
        _GROUP,
        "Delete all removed models for good; answers with the bytes.",
        (DeletedResponse,),
        errors=_CHANGES,
    ),
    Route(
        "POST",
        "/storage/clean",
        clean_storage,
        _GROUP,
        "Delete what is named: strays of downloads, quarantine, trash, what was made of models that are gone;"
        " and move models to the trash.",
        (Cleaned,),
        body=CleanRequest,
        errors=(errors.ModelNotFound, errors.DatabaseUnusable, errors.DiskFull, *_CHANGES),
    ),
    Route(
        "POST",
        "/storage/move",
        move_models,
        _GROUP,
        "Move the models folder to another place, while models keep answering; a job. Downloads wait for it.",
        (JobStarted,),
        body=MoveRequest,
        errors=(errors.DiskFull, *_CHANGES),
    ),
]
