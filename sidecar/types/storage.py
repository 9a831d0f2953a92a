"""What the models take on the disk: how much each, what is in the trash, what could be cleaned, moving it all elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sidecar.types.common import CountFromZero, ModelType, Request, Response
from sidecar.types.models import Origin


class StoredModel(Response):
    """What one model takes. `last_used_at` is null when it was never used since it came, at `created_at`.

    `bytes`: of its files; of them `shared_bytes` belong to another model too, or are linked from elsewhere. Deleting it
    frees `freed_bytes`, with what was made of it (`derived_bytes`), once the trash is emptied.
    """

    id: str
    model_type: ModelType
    path: str
    origin: Origin
    bytes: int
    shared_bytes: int
    freed_bytes: int
    derived_bytes: int
    created_at: float
    last_used_at: float | None


class StorageInfo(Response):
    """`GET /storage`, the models that were not used for longest first.

    `folder_bytes`: all in the models folder; `free_bytes` and `total_bytes` of its disk.
    `partial_bytes`: what has arrived of downloads and imports, and bundles that were left half written;
    `stray_partial_bytes` of it belong to nothing on the list any more. `derived_bytes`: what was made of models;
    `stray_derived_bytes` of it of models that are gone.
    `quarantine_bytes`: damaged files that were set aside. `moving_job`: the job that moves the folder, if one does.
    """

    folder: str
    folder_bytes: int
    free_bytes: int
    total_bytes: int
    models: list[StoredModel]
    trash_bytes: int
    partial_bytes: int
    stray_partial_bytes: int
    quarantine_bytes: int
    derived_bytes: int
    stray_derived_bytes: int
    moving_job: str | None = None


class TrashedModel(Response):
    """A model that was removed and can be brought back until `expires_at`; null is for ever. `bytes` are on the disk still."""

    id: str
    model: str
    model_type: ModelType
    bytes: int
    deleted_at: float
    expires_at: float | None


class RemovedModel(Response):
    """`DELETE /models/{id}/remove`. `trash_id` brings it back; `bytes` went to the trash; `message` says what stayed, and why."""

    trash_id: str
    model: str
    bytes: int
    message: str
    status: Literal["removed"] = "removed"


class CleanRequest(Request):
    """`POST /storage/clean`: what is named, and nothing else."""

    partial: Annotated[bool, Meta(description="What has arrived of downloads and imports that are gone.")] = False
    quarantine: Annotated[bool, Meta(description="Damaged files that were set aside.")] = False
    derived: Annotated[bool, Meta(description="What was made of models that are gone.")] = False
    trash: Annotated[bool, Meta(description="Removed models, for good.")] = False
    models: Annotated[list[str], Meta(description="Move these models to the trash.")] = []
    unused_days: Annotated[
        CountFromZero, Meta(description="Refuse if one of the models was used within so many days.")
    ] = 0
    dry_run: Annotated[bool, Meta(description="Only say how many bytes it would be.")] = False


class Cleaned(Response):
    """Bytes that were deleted, or with `dry_run` would be; `freed_bytes` are the first four together.

    `trashed_bytes`: of the models, which can be brought back.
    """

    partial_bytes: int
    quarantine_bytes: int
    derived_bytes: int
    trash_bytes: int
    freed_bytes: int
    trashed_bytes: int
    dry_run: bool
    removed: list[RemovedModel] = []


class MoveRequest(Request):
    """`POST /storage/move`: put the folder for models elsewhere; a job."""

    folder: Annotated[str, Meta(description="Absolute path of a folder that is empty or does not exist.", min_length=1)]
