"""The models of this installation: list, register, change, load, unload, forget."""

from __future__ import annotations

from sidecar import errors
from sidecar.routes.call import MODEL_ID, Answer, Call, Route
from sidecar.types import (
    LoadRequest,
    LoadResponse,
    ModelInfo,
    ModelsSummary,
    PredictRequest,
    PredictResponse,
    RegisterRequest,
    RemovedModel,
    Request,
    StatusResponse,
    UpdateRequest,
)

LOAD_ERRORS = (
    errors.InvalidRequest,
    errors.ModelNotFound,
    errors.Conflict,
    errors.QueueFull,
    errors.LoadFailed,
    errors.WorkerCrashed,
    errors.WorkerStalled,
    errors.DoesNotFit,
    errors.OutOfMemory,
)


class UnloadQuery(Request):
    force: bool = False


async def list_models(call: Call) -> Answer:
    return call.manager.models()


async def summary(call: Call) -> Answer:
    return call.manager.summary()


async def show(call: Call) -> Answer:
    return call.manager.model(call.model_id)


async def register(call: Call, body: RegisterRequest) -> Answer:
    """Registered stays registered when loading fails: the answer is then the load's error."""
    info = await call.manager.register(body)
    return await call.manager.load(info.id)


async def update(call: Call, body: UpdateRequest) -> Answer:
    return await call.manager.update(call.model_id, body)


async def load(call: Call, body: LoadRequest) -> Answer:
    return await call.manager.load(call.model_id, body)


async def unload(call: Call, query: UnloadQuery) -> Answer:
    await call.manager.unload(call.model_id, force=query.force)
    return StatusResponse("unloaded")


async def remove(call: Call) -> Answer:
    return await call.manager.remove(call.model_id)


async def predict(call: Call, body: PredictRequest) -> Answer:
    return await call.manager.predict(call.model_id, body)


_MODEL = f"/models/{MODEL_ID}"
_GROUP = "Models"
ROUTES = [
    Route("GET", "/models", list_models, _GROUP, "Every model that is known.", (list[ModelInfo],)),
    Route(
        "GET",
        "/models/summary",
        summary,
        _GROUP,
        "How many there are, of which type, and what they hold.",
        (ModelsSummary,),
    ),
    Route("GET", _MODEL, show, _GROUP, "One model.", (ModelInfo,), errors=(errors.ModelNotFound,)),
    Route(
        "POST",
        "/models",
        register,
        _GROUP,
        "Make a model folder on this machine known under a name, and load it.",
        (LoadResponse,),
        body=RegisterRequest,
        errors=LOAD_ERRORS,
    ),
    Route(
        "PUT",
        _MODEL,
        update,
        _GROUP,
        "Change a model's defaults; what is not given stays.",
        (ModelInfo,),
        body=UpdateRequest,
        errors=(errors.InvalidRequest, errors.ModelNotFound, errors.Conflict),
    ),
    Route(
        "POST",
        f"{_MODEL}/load",
        load,
        _GROUP,
        "Load a model before its first request.",
        (LoadResponse,),
        body=LoadRequest,
        may_be_empty=True,
        errors=LOAD_ERRORS,
    ),
    Route(
        "POST",
        f"{_MODEL}/predict",
        predict,
        _GROUP,
        "What a model would take on this machine, beside what it really took; nothing is loaded.",
        (PredictResponse,),
        body=PredictRequest,
        may_be_empty=True,
        errors=(errors.InvalidRequest, errors.ModelNotFound, errors.LoadFailed),
    ),
    Route(
        "DELETE",
        _MODEL,
        unload,
        _GROUP,
        "Unload a model; refused while requests run on it, unless `force` ends them.",
        (StatusResponse,),
        query=UnloadQuery,
        errors=(errors.ModelNotFound, errors.Conflict),
    ),
    Route(
        "DELETE",
        f"{_MODEL}/remove",
        remove,
        _GROUP,
        "Move a model to the trash, from which it can be brought back; files that are not ours, or that another model"
        " needs, stay.",
        (RemovedModel,),
        errors=(
            errors.ModelNotFound,
            errors.Conflict,
            errors.EnvironmentFault,
            errors.DatabaseUnusable,
            errors.DiskFull,
        ),
    ),
]
