"""Models that come from this machine or an address, and models that leave as one file; all of it as jobs."""

from __future__ import annotations

from sidecar import errors
from sidecar.routes.call import MODEL_ID, Answer, Call, Route
from sidecar.types import (
    ExportRequest,
    FoundQuery,
    FromUrlRequest,
    FromUrlStarted,
    Importable,
    ImportRequest,
    JobStarted,
)


async def found(call: Call, query: FoundQuery) -> Answer:
    return await call.manager.imports.found(query.path)


async def import_models(call: Call, body: ImportRequest) -> Answer:
    return JobStarted((await call.manager.imports.start(body)).id)


async def from_url(call: Call, body: FromUrlRequest) -> Answer:
    return await call.manager.imports.from_url(body)


async def export(call: Call, body: ExportRequest) -> Answer:
    return JobStarted((await call.manager.imports.export(call.model_id, body)).id)


_GROUP = "Imports"
_DISK = (errors.DiskFull, errors.EnvironmentFault)
ROUTES = [
    Route(
        "GET",
        "/imports/found",
        found,
        _GROUP,
        "The models that other programs keep on this machine, or with `path` those that importing it would bring.",
        (list[Importable],),
        query=FoundQuery,
        errors=(errors.InvalidRequest, errors.EnvironmentFault),
    ),
    Route(
        "POST",
        "/imports",
        import_models,
        _GROUP,
        "Import a folder, a GGUF file, an exported bundle, or models of another program's store; a job.",
        (JobStarted,),
        body=ImportRequest,
        errors=(errors.InvalidRequest, errors.UnsafeFiles, errors.Conflict, *_DISK),
    ),
    Route(
        "POST",
        "/models/from-url",
        from_url,
        _GROUP,
        "Fetch a repository of the hub, or one GGUF file from any https address; what has arrived is used again.",
        (FromUrlStarted,),
        body=FromUrlRequest,
        errors=(
            errors.InvalidRequest,
            errors.Conflict,
            errors.Offline,
            errors.NetworkUnavailable,
            errors.HubRefused,
            errors.RepositoryNotFound,
            errors.DatabaseUnusable,
            *_DISK,
        ),
    ),
    Route(
        "POST",
        f"/models/{MODEL_ID}/export",
        export,
        _GROUP,
        "Write a model with all its files and their hashes into one file; a job.",
        (JobStarted,),
        body=ExportRequest,
        errors=(errors.InvalidRequest, errors.ModelNotFound, errors.LoadFailed, errors.Conflict, *_DISK),
    ),
]
