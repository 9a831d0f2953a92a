"""Requests that name their task in the body: `POST /inference`, `POST /tasks` and the same from Python."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

import msgspec

from sidecar.config import Settings
from sidecar.errors import InglenookError, InvalidRequest
from sidecar.runtime.resident import Resident
from sidecar.runtime.worker import Worker
from sidecar.types import (
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    EmbedRequest,
    EmbedResponse,
    ErrorBody,
    GenerateBatchResponse,
    GenerateRequest,
    GenerateResponse,
    InferenceRequest,
    ModelType,
    Result,
    TaskRequest,
    TranslateBatchResponse,
    TranslateRequest,
    TranslateResponse,
)

MINUTE_S = 60.0
R = TypeVar("R")
TaskResponse = (
    GenerateResponse
    | GenerateBatchResponse
    | ClassifyResponse
    | ClassifyBatchResponse
    | TranslateResponse
    | TranslateBatchResponse
    | EmbedResponse
)
_DEFAULT_SETTING: dict[ModelType, str] = {
    "text_generation": "default_chat_model",
    "classification": "default_classification_model",
    "translation": "default_translation_model",
    "embedding": "default_embedding_model",
}
# The field that a bare text, or a bare list of texts, stands for.
_TEXT_FIELDS: dict[ModelType, tuple[str, str]] = {
    "text_generation": ("prompt", "prompts"),
    "classification": ("text", "texts"),
    "translation": ("text", "texts"),
    "embedding": ("texts", "texts"),
}


class Runner(Protocol):
    """What can do the four tasks."""

    async def generate(
        self, model: str, request: GenerateRequest, *, caller: str
    ) -> GenerateResponse | GenerateBatchResponse: ...
    async def classify(
        self, model: str, request: ClassifyRequest, *, caller: str
    ) -> ClassifyResponse | ClassifyBatchResponse: ...
    async def translate(
        self, model: str, request: TranslateRequest, *, caller: str
    ) -> TranslateResponse | TranslateBatchResponse: ...
    async def embed(self, model: str, request: EmbedRequest, *, caller: str) -> EmbedResponse: ...


async def run(runner: Runner, task: ModelType, model: str, data: dict[str, Any], caller: str) -> TaskResponse:
    """Do `task` with `data`, the body of the task's own route. Raises InvalidRequest and what the task raises."""
    match task:
        case "text_generation":
            request = _decoded(data, GenerateRequest)
            if request.stream:
                raise InvalidRequest(reason="stream is not possible here; use POST /models/{id}/generate")
            return await runner.generate(model, request, caller=caller)
        case "classification":
            return await runner.classify(model, _decoded(data, ClassifyRequest), caller=caller)
        case "translation":
            return await runner.translate(model, _decoded(data, TranslateRequest), caller=caller)
        case "embedding":
            return await runner.embed(model, _decoded(data, EmbedRequest), caller=caller)


def model_for(request: InferenceRequest, settings: Settings) -> str:
    """The model that the request names, or the one the settings name for its type. Raises InvalidRequest."""
    setting = _DEFAULT_SETTING[request.model_type]
    name = request.model or str(getattr(settings, setting))
    if not name:
        raise InvalidRequest(reason=f"no model was named, and the setting {setting} names none either")
    return name


def task_body(request: TaskRequest, keep_alive: float | None) -> dict[str, Any]:
    """The data of a task as the body of the task's own route: a text or a list of texts is put where it belongs.

    `keep_alive` in seconds; one in the data itself wins.
    """
    data = request.task_data
    one, several = _TEXT_FIELDS[request.task_type]
    if isinstance(data, str):
        data = {one: [data] if one == several else data}
    elif not isinstance(data, dict):
        data = {several: data}
    return data if keep_alive is None else {"keep_alive": keep_alive, **data}


def preloaded(resident: Resident[Worker], keep_alive: float) -> dict[str, Any]:
    """The data of a task that only loaded. `keep_alive` in seconds."""
    return {
        "preloaded": True,
        "model_name": resident.model,
        "workers": len(resident.live),
        "device": resident.live[0].worker.device if resident.live else resident.device,
        "keep_alive_minutes": keep_alive / MINUTE_S if keep_alive >= 0 else -1.0,
    }


def task_request(**fields: Any) -> TaskRequest:
    """Check arguments from Python as a body is checked. Raises InvalidRequest."""
    return _decoded(fields, TaskRequest)


async def as_result(work: Callable[[], Awaitable[dict[str, Any]]]) -> Result:
    """What `work` returns, or the error it raises, as a Result. Faults of our own are raised."""
    try:
        return Result(success=True, data=await work())
    except InglenookError as error:
        return Result(success=False, error=ErrorBody(error.code, error.message, error.details))


def as_data(response: TaskResponse) -> dict[str, Any]:
    """A response's fields, plain."""
    data: dict[str, Any] = msgspec.to_builtins(response)
    return data


def _decoded(data: Any, kind: type[R]) -> R:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(reason=str(error)) from error
