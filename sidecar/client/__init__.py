"""The typed async client of the service: the window, the command line and the tests speak through it.

It uses the public HTTP API only. Errors come back as the classes of `sidecar.errors`; when nobody answers, or the
connection breaks, that is `ServiceUnreachable`.

::

    async with Client.connect(Paths.resolve()) as client:
        async with aclosing(client.stream("starter-chat", GenerateRequest(prompt="Hello"))) as chunks:
            async for chunk in chunks:
                print(chunk.text, end="")
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from sidecar.client.catalogue import CatalogueCalls
from sidecar.client.hub import HubCalls
from sidecar.client.imports import ImportCalls
from sidecar.client.storage import StorageCalls
from sidecar.client.wire import QUICK, of
from sidecar.errors import from_wire
from sidecar.types import (
    Calibration,
    ChangeSettingsRequest,
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    DecideRequest,
    DecideResponse,
    DeletedResponse,
    EmbedRequest,
    EmbedResponse,
    Event,
    GenerateBatchResponse,
    GenerateChunk,
    GenerateRequest,
    GenerateResponse,
    Health,
    HistoryPage,
    InferenceRequest,
    InferenceResponse,
    JobInfo,
    JobStarted,
    LoadRequest,
    LoadResponse,
    ModelInfo,
    ModelsSummary,
    ModelType,
    PredictRequest,
    PredictResponse,
    PrepareRequest,
    RegisterRequest,
    ReleaseRequest,
    RerankRequest,
    RerankResponse,
    Result,
    RootResponse,
    SettingInfo,
    StatusResponse,
    SystemInfo,
    TaskRequest,
    TranslateBatchResponse,
    TranslateRequest,
    TranslateResponse,
    UpdateRequest,
)

T = TypeVar("T")


class Client(CatalogueCalls, HubCalls, ImportCalls, StorageCalls):
    """One connection pool to one service. May be made anywhere; used inside one event loop; ended by `close`.

    Every method raises ServiceUnreachable when nobody answers, and else the error that the service reports.
    """

    # ---- service ----------------------------------------------------------------------------------------------------

    async def root(self) -> RootResponse:
        return await self._get("/", RootResponse)

    async def health(self) -> Health:
        return await self._get("/health", Health)

    async def system(self) -> SystemInfo:
        return await self._get("/system", SystemInfo)

    async def calibrate(self) -> Calibration:
        """Measure the machine now. Conflict while requests run."""
        return await self._send("POST", "/system/calibrate", None, Calibration)

    async def events(self) -> AsyncGenerator[Event, None]:
        """What changes from now on. Raises ServiceUnreachable when the connection ends; the caller connects again."""
        async with aclosing(self._stream("GET", "/events")) as payloads:
            async for data in payloads:
                yield self._decoded(data, Event)
        raise self._unreachable("the event stream ended")

    async def metrics(self) -> str:
        """Prometheus' text format."""
        return (await self._request("GET", "/metrics", patience=QUICK)).decode("utf-8")

    async def history(
        self,
        *,
        model: str | None = None,
        kind: str | None = None,
        key: str | None = None,
        since: float | None = None,
        until: float | None = None,
        errors: bool | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> HistoryPage:
        """Newest first; `before` is the page's `next_before`. `since` and `until` in Unix seconds."""
        asked = {
            "model": model,
            "kind": kind,
            "key": key,
            "since": since,
            "until": until,
            "errors": errors,
            "before": before,
            "limit": limit,
        }
        return await self._get("/history", HistoryPage, asked)

    async def delete_history(
        self,
        *,
        model: str | None = None,
        kind: str | None = None,
        key: str | None = None,
        since: float | None = None,
        until: float | None = None,
        errors: bool | None = None,
    ) -> DeletedResponse:
        """Forget the entries that match, or all of them."""
        asked = {"model": model, "kind": kind, "key": key, "since": since, "until": until, "errors": errors}
        content = await self._request("DELETE", "/history", query=asked)
        return self._decoded(content, DeletedResponse)

    async def settings(self) -> list[SettingInfo]:
        return await self._get("/settings", list[SettingInfo])

    async def change_settings(self, values: Mapping[str, Any]) -> list[SettingInfo]:
        """Write the values into config.toml and apply those that need no restart; None returns one to its default."""
        return await self._send("PUT", "/settings", ChangeSettingsRequest(dict(values)), list[SettingInfo])

    async def shutdown(self) -> StatusResponse:
        """Ask the service to stop; it does so after answering."""
        return await self._send("POST", "/shutdown", None, StatusResponse)

    # ---- models -----------------------------------------------------------------------------------------------------

    async def models(self) -> list[ModelInfo]:
        return await self._get("/models", list[ModelInfo])

    async def summary(self) -> ModelsSummary:
        return await self._get("/models/summary", ModelsSummary)

    async def model(self, model_id: str) -> ModelInfo:
        return await self._get(of(model_id), ModelInfo)

    async def register(self, request: RegisterRequest) -> LoadResponse:
        """Make a model folder known, and load it."""
        return await self._send("POST", "/models", request, LoadResponse)

    async def update(self, model_id: str, request: UpdateRequest) -> ModelInfo:
        return await self._send("PUT", of(model_id), request, ModelInfo)

    async def load(self, model_id: str, request: LoadRequest | None = None) -> LoadResponse:
        return await self._send("POST", of(model_id, "load"), request, LoadResponse)

    async def predict(self, model_id: str, request: PredictRequest | None = None) -> PredictResponse:
        """What the model would take, beside what it took; nothing is loaded."""
        return await self._send("POST", of(model_id, "predict"), request, PredictResponse)

    async def unload(self, model_id: str, *, force: bool = False) -> StatusResponse:
        """Conflict while requests run on it, unless `force`, which ends them."""
        content = await self._request("DELETE", of(model_id), query={"force": force or None})
        return self._decoded(content, StatusResponse)

    # ---- jobs -------------------------------------------------------------------------------------------------------

    async def prepare(self, model_id: str, request: PrepareRequest | None = None) -> JobStarted:
        """Begin to convert a model for a quicker engine; follow it with `job`."""
        return await self._send("POST", of(model_id, "prepare"), request, JobStarted)

    async def jobs(self) -> list[JobInfo]:
        return await self._get("/jobs", list[JobInfo])

    async def job(self, job_id: str) -> JobInfo:
        return await self._get(f"/jobs/{quote(job_id, safe='')}", JobInfo)

    async def cancel_job(self, job_id: str) -> JobInfo:
        """Stop it and wait until it has cleaned up."""
        return await self._send("POST", f"/jobs/{quote(job_id, safe='')}/cancel", None, JobInfo)

    # ---- inference --------------------------------------------------------------------------------------------------

    async def generate(self, model_id: str, request: GenerateRequest) -> GenerateResponse | GenerateBatchResponse:
        """The whole answer; a batch of answers for `prompts`. For a stream see `stream`."""
        content = await self._request("POST", of(model_id, "generate"), msgspec.structs.replace(request, stream=False))
        return self._decoded(content, _generated(request.prompts is not None))

    async def stream(self, model_id: str, request: GenerateRequest) -> AsyncGenerator[GenerateChunk, None]:
        """The answer as it grows; the last chunk has `done`. Closing the generator (`aclosing`) ends the computation.

        An error in the middle of the answer is raised like one before it.
        """
        body = msgspec.structs.replace(request, stream=True)
        async with aclosing(self._stream("POST", of(model_id, "generate"), body)) as payloads:
            async for data in payloads:
                chunk = self._decoded(data, GenerateChunk)
                if chunk.error is not None:
                    raise from_wire(chunk.error.code, chunk.error.message, chunk.error.details)
                yield chunk
                if chunk.done:
                    return
        raise self._unreachable("the answer's stream ended early")

    async def classify(self, model_id: str, request: ClassifyRequest) -> ClassifyResponse | ClassifyBatchResponse:
        content = await self._request("POST", of(model_id, "classify"), request)
        return self._decoded(content, _classified(request.texts is not None))

    async def translate(self, model_id: str, request: TranslateRequest) -> TranslateResponse | TranslateBatchResponse:
        content = await self._request("POST", of(model_id, "translate"), request)
        return self._decoded(content, _translated(request.texts is not None))

    async def embed(self, model_id: str, request: EmbedRequest) -> EmbedResponse:
        return await self._send("POST", of(model_id, "embed"), request, EmbedResponse)

    async def decide(self, model_id: str, request: DecideRequest) -> DecideResponse:
        return await self._send("POST", of(model_id, "decide"), request, DecideResponse)

    async def rerank(self, model_id: str, request: RerankRequest) -> RerankResponse:
        return await self._send("POST", of(model_id, "rerank"), request, RerankResponse)

    async def inference(self, request: InferenceRequest) -> InferenceResponse:
        """Whatever the type's own route answers, from `request.model` or the default model of the type."""
        content = await self._request("POST", "/inference", request)
        return self._decoded(content, _responseof(request))

    async def task(
        self,
        *,
        task_data: dict[str, Any] | list[str] | str | None = None,
        task_type: ModelType,
        model_name: str,
        num_workers: int = 1,
        device: str = "auto",
        keep_alive: float | None = None,
    ) -> Result:
        """Load what is needed, run, keep for `keep_alive` minutes. A failure is in the result, not raised."""
        return await self._result(
            "/tasks", TaskRequest(task_type, model_name, task_data, num_workers, device, keep_alive)
        )

    async def release_model(self, name: str) -> Result:
        """Let go of what `task` kept in memory. A failure is in the result, not raised."""
        return await self._result("/tasks/release", ReleaseRequest(name))


def _generated(batch: bool) -> type[GenerateResponse | GenerateBatchResponse]:
    return GenerateBatchResponse if batch else GenerateResponse


def _classified(batch: bool) -> type[ClassifyResponse | ClassifyBatchResponse]:
    return ClassifyBatchResponse if batch else ClassifyResponse


def _translated(batch: bool) -> type[TranslateResponse | TranslateBatchResponse]:
    return TranslateBatchResponse if batch else TranslateResponse


def _responseof(request: InferenceRequest) -> type[InferenceResponse]:
    if request.model_type == "text_generation":
        return _generated(request.data.get("prompts") is not None)
    if request.model_type == "classification":
        return _classified(request.data.get("texts") is not None)
    if request.model_type == "translation":
        return _translated(request.data.get("texts") is not None)
    if request.model_type == "reranking":
        return RerankResponse
    return EmbedResponse
