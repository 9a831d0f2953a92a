"""The small models, and a second listener that serves nothing else."""

from __future__ import annotations

import asyncio

from sidecar import errors, hardware
from sidecar.routes import models, native, service
from sidecar.routes.call import MODEL_ID, Answer, Call, Route
from sidecar.types import (
    LightweightDownload,
    LightweightModels,
    LightweightStarted,
    LightweightStartRequest,
    LightweightStatus,
    ModelInfo,
    StatusResponse,
)


async def small_models(call: Call) -> Answer:
    return await call.service.catalogue.small()


async def download_small(call: Call) -> Answer:
    """One that is here already is not fetched again."""
    wanted = await call.service.catalogue.small_request(call.request.match_info["key"])
    if call.service.catalogue.has(wanted.model):
        return LightweightDownload("downloaded", wanted.model)
    job = await call.manager.hub.downloads.add(wanted)
    return LightweightDownload("queued", wanted.model, job.job_id)


async def open_second(call: Call, body: LightweightStartRequest) -> Answer:
    return await call.service.second_listener.start(body.port)


async def close_second(call: Call) -> Answer:
    await call.service.second_listener.stop()
    return StatusResponse("stopped")


async def second_status(call: Call) -> Answer:
    listener, limit, calibrator = call.service.second_listener, call.manager.memory_limit, call.manager.calibrator
    system = await asyncio.to_thread(
        hardware.system_info, call.service.models_dir, limit, calibrator.profile, calibrator.reason
    )
    loaded = [model.id for model in await call.service.catalogue.small_here() if model.is_loaded]
    return LightweightStatus(listener.port is not None, listener.port, loaded, system)


async def served_models(call: Call) -> Answer:
    """On the second listener: the small models alone."""
    return await call.service.catalogue.small_here()


_GROUP = "Small models"
_STATUS = Route(
    "GET",
    "/lightweight/status",
    second_status,
    _GROUP,
    "Whether the second listener runs, where, and which small models are in memory.",
    (LightweightStatus,),
    errors=(errors.EnvironmentFault,),
)
ROUTES = [
    Route(
        "GET",
        "/lightweight/models",
        small_models,
        _GROUP,
        "The small models by their short names: what they do, whether they are here, which one to begin with.",
        (LightweightModels,),
        errors=(errors.EnvironmentFault,),
    ),
    Route(
        "POST",
        "/lightweight/models/{key}/download",
        download_small,
        _GROUP,
        "Put a small model in line to be fetched, verified and made known.",
        (LightweightDownload,),
        errors=(errors.NotFound, errors.InvalidRequest, errors.EnvironmentFault),
    ),
    Route(
        "POST",
        "/lightweight/start",
        open_second,
        _GROUP,
        "Open a second port that serves only small models; where one is open already, say which.",
        (LightweightStarted,),
        body=LightweightStartRequest,
        may_be_empty=True,
        errors=(errors.InvalidRequest, errors.PortUnavailable),
    ),
    Route("POST", "/lightweight/stop", close_second, _GROUP, "Close the second port.", (StatusResponse,)),
    _STATUS,
]
# What the second listener serves.
SMALL_ROUTES = [
    *(row for row in service.ROUTES if row.path in ("/", "/health")),
    Route("GET", "/models", served_models, _GROUP, "The small models that are here.", (list[ModelInfo],)),
    *(
        row
        for row in models.ROUTES
        if row.path in (f"/models/{MODEL_ID}", f"/models/{MODEL_ID}/load") and row.method in ("GET", "POST")
    ),
    *(row for row in native.ROUTES if MODEL_ID in row.path),
    _STATUS,
]
