"""`/tasks`: load, run and keep in one request, answered by a `Result` whether it worked or not."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sidecar.errors import from_wire
from sidecar.routes.call import Answer, Call, Route
from sidecar.routes.dispatch import json_response
from sidecar.routes.native import INFERENCE_ERRORS
from sidecar.types import ReleaseRequest, Result, TaskRequest


async def task(call: Call, body: TaskRequest) -> Answer:
    result = await call.manager.task(**msgspec.structs.asdict(body), caller=call.caller)
    return answer_of(result)


async def release(call: Call, body: ReleaseRequest) -> Answer:
    return answer_of(await call.manager.release_model(body.model_name))


def answer_of(result: Result) -> web.Response:
    """A failed result has its error's status, and also the field `detail` that every native error has."""
    if result.error is None:
        return json_response(result)
    error = from_wire(result.error.code, result.error.message, result.error.details)
    return json_response(msgspec.to_builtins(result) | {"detail": error.message}, error.status)


ROUTES = [
    Route(
        "POST",
        "/tasks",
        task,
        "Tasks",
        "Load what is needed, run, and keep; with `task_data` null only load.",
        (Result,),
        body=TaskRequest,
        errors=INFERENCE_ERRORS,
    ),
    Route(
        "POST",
        "/tasks/release",
        release,
        "Tasks",
        "Let go of a model that a task kept in memory.",
        (Result,),
        body=ReleaseRequest,
        errors=INFERENCE_ERRORS[:3],
    ),
]
