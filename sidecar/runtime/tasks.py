"""Requests that name their task in the body: `POST /inference`, `POST /tasks` and the same from Python."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from sidecar import decoding
from sidecar.config import Settings
from sidecar.errors import InglenookError, InvalidRequest
from sidecar.runtime.inference import Inference
from sidecar.runtime.models import Models
from sidecar.runtime.resident import Resident, Wish
from sidecar.runtime.worker import Worker
from sidecar.types import (
    ClassifyRequest,
    EmbedRequest,
    ErrorBody,
    GenerateRequest,
    InferenceRequest,
    InferenceResponse,
    ModelType,
    RerankRequest,
    Result,
    TaskRequest,
    TranslateRequest,
)

MINUTE_S = 60.0
R = TypeVar("R")
_DEFAULT_SETTING: dict[ModelType, str] = {
    "text_generation": "default_chat_model",
    "classification": "default_classification_model",
    "translation": "default_translation_model",
    "embedding": "default_embedding_model",
    "reranking": "default_reranking_model",
}
# The field that a bare text, or a bare list of texts, stands for.
_TEXT_FIELDS: dict[ModelType, tuple[str, str]] = {
    "text_generation": ("prompt", "prompts"),
    "classification": ("text", "texts"),
    "translation": ("text", "texts"),
    "embedding": ("texts", "texts"),
    "reranking": ("query", "documents"),
}


class Tasks:
    """Does what a body names, through the models and the inference. `settings()` gives those in force."""

    def __init__(self, models: Models, inference: Inference, settings: Callable[[], Settings]) -> None:
        self._models = models
        self._inference = inference
        self._settings = settings

    async def inference(self, request: InferenceRequest, *, caller: str) -> InferenceResponse:
        model = model_for(request, self._settings())
        return await run(self._inference, request.model_type, model, request.data, caller)

    async def task(self, caller: str, **fields: Any) -> Result:
        """`fields` are a TaskRequest's, checked as a body is."""
        return await as_result(lambda: self._done(fields, caller))

    async def release_model(self, name: str) -> Result:
        return await as_result(lambda: self._released(name))

    async def _done(self, fields: dict[str, Any], caller: str) -> dict[str, Any]:
        request = _decoded(fields, TaskRequest)
        keep_alive = None if request.keep_alive is None else request.keep_alive * MINUTE_S
        # One worker is what a task has that asks for nothing: it does not take away those that another asked for.
        workers = request.num_workers if request.num_workers > 1 else None
        if request.task_data is None:
            resident = await self._models.bring_in(request.model_name, Wish(keep_alive, request.device, workers))
            return preloaded(resident, self._models.keep_alive(resident))
        if workers or request.device != "auto":
            await self._models.bring_in(request.model_name, Wish(None, request.device, workers))
        body = task_body(request, keep_alive)
        response = await run(self._inference, request.task_type, request.model_name, body, caller)
        data: dict[str, Any] = msgspec.to_builtins(response)
        return data

    async def _released(self, name: str) -> dict[str, Any]:
        await self._models.unload(name)
        return {"released": True, "model_name": name}


async def run(runner: Inference, task: ModelType, model: str, data: dict[str, Any], caller: str) -> InferenceResponse:
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
        case "reranking":
            return await runner.rerank(model, _decoded(data, RerankRequest), caller=caller)


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


async def as_result(work: Callable[[], Awaitable[dict[str, Any]]]) -> Result:
    """What `work` returns, or the error it raises, as a Result. Faults of our own are raised."""
    try:
        return Result(success=True, data=await work())
    except InglenookError as error:
        return Result(success=False, error=ErrorBody(error.code, error.message, error.details))


def _decoded(data: Any, kind: type[R]) -> R:
    try:
        return decoding.convert(data, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(reason=str(error)) from error
