"""Inference in the native dialect: the tasks of one model, and `/inference` for the default model of a type."""

from __future__ import annotations

from contextlib import aclosing

from msgspec import Struct

from sidecar import errors
from sidecar.errors import InglenookError
from sidecar.routes.call import MODEL_ID, Answer, Call, Handler, Route, own_faults
from sidecar.routes.streaming import EventStream
from sidecar.types import (
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    DecideRequest,
    DecideResponse,
    EmbedRequest,
    EmbedResponse,
    ErrorBody,
    GenerateBatchResponse,
    GenerateChunk,
    GenerateRequest,
    GenerateResponse,
    InferenceRequest,
    RerankRequest,
    RerankResponse,
    TranslateBatchResponse,
    TranslateRequest,
    TranslateResponse,
)

INFERENCE_ERRORS = (
    errors.InvalidRequest,
    errors.ContextExceeded,
    errors.ModelNotFound,
    errors.Unsupported,
    errors.QueueFull,
    errors.LoadFailed,
    errors.WorkerCrashed,
    errors.WorkerStalled,
    errors.InferenceFailed,
    errors.RequestTimeout,
    errors.DoesNotFit,
    errors.OutOfMemory,
)


async def generate(call: Call, body: GenerateRequest) -> Answer:
    if body.stream:
        return await _stream(call, body)
    return await call.manager.generate(call.model_id, body, caller=call.caller)


async def classify(call: Call, body: ClassifyRequest) -> Answer:
    return await call.manager.classify(call.model_id, body, caller=call.caller)


async def translate(call: Call, body: TranslateRequest) -> Answer:
    return await call.manager.translate(call.model_id, body, caller=call.caller)


async def embed(call: Call, body: EmbedRequest) -> Answer:
    return await call.manager.embed(call.model_id, body, caller=call.caller)


async def decide(call: Call, body: DecideRequest) -> Answer:
    return await call.manager.decide(call.model_id, body, caller=call.caller)


async def rerank(call: Call, body: RerankRequest) -> Answer:
    return await call.manager.rerank(call.model_id, body, caller=call.caller)


async def inference(call: Call, body: InferenceRequest) -> Answer:
    return await call.manager.inference(body, caller=call.caller)


async def _stream(call: Call, body: GenerateRequest) -> Answer:
    """The answer as it grows. An error after the head was sent is the last event."""
    async with EventStream.open(call) as stream:
        try:
            with own_faults(call.request), call.service.not_ready_when_ended():
                async with aclosing(call.manager.stream(call.model_id, body, caller=call.caller)) as chunks:
                    async for chunk in chunks:
                        await stream.send(chunk)
        except InglenookError as error:
            if not stream.begun:
                raise
            await stream.send(_last(error))
        return await stream.end()


def _last(error: InglenookError) -> GenerateChunk:
    return GenerateChunk(done=True, error=ErrorBody(error.code, error.message, error.details))


def _row(
    action: str,
    handler: Handler,
    summary: str,
    body: type[Struct],
    *answers: type[Struct],
    events: type[Struct] | None = None,
) -> Route:
    path = f"/models/{MODEL_ID}/{action}"
    return Route(
        "POST", path, handler, "Inference", summary, answers, body=body, events=events, errors=INFERENCE_ERRORS
    )


ROUTES = [
    _row(
        "generate",
        generate,
        "Continue a prompt, several prompts, or a conversation; with `stream`, as server-sent events.",
        GenerateRequest,
        GenerateResponse,
        GenerateBatchResponse,
        events=GenerateChunk,
    ),
    _row(
        "classify",
        classify,
        "Probability of each label for a text, or for several.",
        ClassifyRequest,
        ClassifyResponse,
        ClassifyBatchResponse,
    ),
    _row(
        "translate",
        translate,
        "Translate a text, or several.",
        TranslateRequest,
        TranslateResponse,
        TranslateBatchResponse,
    ),
    _row("embed", embed, "One vector per text.", EmbedRequest, EmbedResponse),
    _row(
        "decide",
        decide,
        "Which of the labels a language model would answer, with probabilities; no text is generated.",
        DecideRequest,
        DecideResponse,
    ),
    _row("rerank", rerank, "How well each document answers the query, best first.", RerankRequest, RerankResponse),
    Route(
        "POST",
        "/inference",
        inference,
        "Inference",
        "Ask the default model of a type, or the one named; `data` is the body of the type's own route.",
        (
            GenerateResponse,
            GenerateBatchResponse,
            ClassifyResponse,
            ClassifyBatchResponse,
            TranslateResponse,
            TranslateBatchResponse,
            EmbedResponse,
            RerankResponse,
        ),
        body=InferenceRequest,
        errors=INFERENCE_ERRORS,
    ),
]
