"""The tasks: checks a request against the model, puts the question to a worker, shapes the response.

It decides nothing about memory (residency does) and nothing about waiting, failing and recording (asking does).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec

from sidecar.config import Settings
from sidecar.errors import InternalError, InvalidRequest, Unsupported, WorkerCrashed
from sidecar.registry.gguf_model import VISION
from sidecar.registry.store import ModelStore, ModelVersion
from sidecar.runtime import conversation, images, results
from sidecar.runtime.asking import REPEATED, Answer, Asking
from sidecar.runtime.embedding import Embedding
from sidecar.runtime.images import Image
from sidecar.runtime.protocol import (
    Classified,
    Classify,
    Decide,
    Decided,
    Embed,
    Embedded,
    Generate,
    Generated,
    ModelFacts,
    Rerank,
    Reranked,
    Translate,
    Translated,
)
from sidecar.runtime.record import Record
from sidecar.runtime.sampling import filled
from sidecar.types import (
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    DecideRequest,
    DecideResponse,
    EmbedRequest,
    EmbedResponse,
    GenerateBatchResponse,
    GenerateChunk,
    GenerateRequest,
    GenerateResponse,
    ModelType,
    RerankRequest,
    RerankResponse,
    TranslateBatchResponse,
    TranslateRequest,
    TranslateResponse,
    TranslationOptions,
)

IN_A_THREAD_BYTES = 1 << 20


class Inference:
    """The inference half of the manager. `resolve(name)` is the version that a request means; `settings()` gives those in force."""

    def __init__(
        self,
        asking: Asking,
        embedding: Embedding,
        store: ModelStore,
        resolve: Callable[[str], Awaitable[ModelVersion]],
        settings: Callable[[], Settings],
    ) -> None:
        self._asking = asking
        self._embedding = embedding
        self._store = store
        self._resolve = resolve
        self._settings = settings

    async def generate(
        self, model: str, request: GenerateRequest, *, caller: str
    ) -> GenerateResponse | GenerateBatchResponse:
        _check_exactly_one(prompt=request.prompt, prompts=request.prompts, messages=request.messages)
        version = await self._version(model, "text_generation")
        request, seen = await self._seen(version, request)
        inputs, asked = len(request.prompts or [1]), lambda: _asked_text(request, seen)
        with self._asking.recorded(Record(version, "generate", caller, inputs, asked, images=len(seen))) as record:
            if request.prompts is None:
                return await self._answer(record, request, request.prompt)
            answers = await self._answers(record, request, request.prompts)
            return GenerateBatchResponse(answers, round(record.elapsed_ms, 3))

    async def stream(self, model: str, request: GenerateRequest, *, caller: str) -> AsyncGenerator[GenerateChunk, None]:
        """The answer in pieces. After a crash the question is put once more, unless a piece was sent already."""
        if request.prompts is not None:
            raise InvalidRequest(reason="prompts cannot be streamed; send one prompt, or leave out stream")
        _check_exactly_one(prompt=request.prompt, messages=request.messages)
        version = await self._version(model, "text_generation")
        request, seen = await self._seen(version, request)
        asked = lambda: _asked_text(request, seen)  # noqa: E731
        with self._asking.recorded(Record(version, "generate", caller, 1, asked, images=len(seen))) as record:
            repeated = sent = False
            while True:
                try:
                    question = _question(version, request, request.prompt)
                    async with self._asking.asked(record, request.keep_alive, question) as (worker, reply):
                        while (text := await reply.next_text()) is not None:
                            sent = True
                            record.output.append(text)
                            yield GenerateChunk(text=text)
                        outcome = await reply.outcome()
                        answer = Answer("", outcome, worker.known_facts, record.first_ms(reply))
                    break
                except WorkerCrashed:
                    if sent or repeated:
                        raise
                    repeated = True
            if not repeated:
                self._asking.learn(record, answer)
            response = _generated(record, answer)
            response.warnings = [*response.warnings, REPEATED] if repeated else response.warnings
            yield results.last_chunk(response)

    async def classify(
        self, model: str, request: ClassifyRequest, *, caller: str
    ) -> ClassifyResponse | ClassifyBatchResponse:
        texts = _texts(request)
        version = await self._version(model, "classification")
        with self._asking.recorded(Record(version, "classify", caller, len(texts), lambda: "\n".join(texts))) as record:
            answer = await self._asking.whole(
                record, request.keep_alive, lambda: Classify(0, texts, request.labels, request.truncate)
            )
            if not isinstance(outcome := answer.outcome, Classified):
                raise _unexpected(outcome)
            record.prompt_tokens = outcome.tokens
            return results.classified(request, outcome, answer.facts, record.elapsed_ms)

    async def translate(
        self, model: str, request: TranslateRequest, *, caller: str
    ) -> TranslateResponse | TranslateBatchResponse:
        texts = _texts(request)
        version = await self._version(model, "translation")
        with self._asking.recorded(
            Record(version, "translate", caller, len(texts), lambda: "\n".join(texts))
        ) as record:
            answer = await self._asking.whole(
                record,
                request.keep_alive,
                lambda: Translate(
                    0, texts, request.source_lang, request.target_lang, request.truncate, _options(request)
                ),
            )
            if not isinstance(outcome := answer.outcome, Translated):
                raise _unexpected(outcome)
            record.prompt_tokens, record.completion_tokens = outcome.prompt_tokens, outcome.completion_tokens
            record.output = list(outcome.texts)
            return results.translated(request, outcome, answer.facts, record.elapsed_ms)

    async def embed(self, model: str, request: EmbedRequest, *, caller: str) -> EmbedResponse:
        texts = request.texts
        version = await self._version(model, "embedding")
        with self._asking.recorded(Record(version, "embed", caller, len(texts), lambda: "\n".join(texts))) as record:
            outcome, cached, facts = await self._embedding.embed(
                version, request, lambda unseen: self._embedded(record, request, unseen)
            )
            record.prompt_tokens = outcome.tokens
            if len(outcome.vectors) > IN_A_THREAD_BYTES:
                return await asyncio.to_thread(results.embedded, outcome, facts, record.elapsed_ms, cached)
            return results.embedded(outcome, facts, record.elapsed_ms, cached)

    async def _embedded(self, record: Record, request: EmbedRequest, texts: list[str]) -> tuple[Embedded, ModelFacts]:
        answer = await self._asking.whole(
            record,
            request.keep_alive,
            lambda: Embed(0, texts, request.normalize, request.dimensions, request.truncate),
        )
        if not isinstance(outcome := answer.outcome, Embedded):
            raise _unexpected(outcome)
        return outcome, answer.facts

    async def _answer(self, record: Record, request: GenerateRequest, prompt: str | None) -> GenerateResponse:
        answer = await self._asking.whole(
            record, request.keep_alive, lambda: _question(record.version, request, prompt)
        )
        record.output.append(answer.text)
        return _generated(record, answer)

    async def decide(self, model: str, request: DecideRequest, *, caller: str) -> DecideResponse:
        _check_exactly_one(prompt=request.prompt, messages=request.messages)
        version = await self._version(model, "text_generation")
        if images.has_images(request.messages):
            raise Unsupported(model=model, reason="labels are decided on text; ask about images with generate")
        messages = conversation.checked(request.messages) if request.messages is not None else None
        asked = lambda: _asked_text(GenerateRequest(prompt=request.prompt, messages=messages), [])  # noqa: E731
        with self._asking.recorded(Record(version, "decide", caller, 1, asked)) as record:
            answer = await self._asking.whole(
                record,
                request.keep_alive,
                lambda: Decide(0, request.labels, request.prompt, messages),
            )
            if not isinstance(outcome := answer.outcome, Decided):
                raise _unexpected(outcome)
            record.prompt_tokens = outcome.tokens
            return results.decided(request, outcome, answer.facts, record.elapsed_ms)

    async def rerank(self, model: str, request: RerankRequest, *, caller: str) -> RerankResponse:
        documents = request.documents
        version = await self._version(model, "reranking")
        with self._asking.recorded(
            Record(version, "rerank", caller, len(documents), lambda: "\n".join([request.query, *documents]))
        ) as record:
            answer = await self._asking.whole(
                record, request.keep_alive, lambda: Rerank(0, request.query, documents, request.truncate)
            )
            if not isinstance(outcome := answer.outcome, Reranked):
                raise _unexpected(outcome)
            record.prompt_tokens = outcome.tokens
            return results.reranked(request, outcome, answer.facts, record.elapsed_ms)

    async def _answers(self, record: Record, request: GenerateRequest, prompts: list[str]) -> list[GenerateResponse]:
        """One answer per prompt, in order, as many at once as the workers step together. One failure ends them all."""
        places = asyncio.Semaphore(self._settings().max_sequences * max(1, record.version.options.num_workers))

        async def answer(prompt: str) -> GenerateResponse:
            async with places:
                return await self._answer(record, request, prompt)

        tasks = [asyncio.create_task(answer(prompt)) for prompt in prompts]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _seen(self, version: ModelVersion, request: GenerateRequest) -> tuple[GenerateRequest, list[Image]]:
        """The request as engines take it, and the images in it. Raises InvalidRequest, Unsupported."""
        if request.messages is None:
            return request, []
        request = msgspec.structs.replace(request, messages=conversation.checked(request.messages))
        if not images.has_images(request.messages):
            return request, []
        if VISION not in version.inspection.capabilities:
            raise Unsupported(model=version.model, reason=f"it does not see images; {self._who_sees()}")
        return request, await asyncio.to_thread(images.check, request.messages or [])

    def _who_sees(self) -> str:
        able = [model.id for model in self._store.all() if model.inspection and VISION in model.inspection.capabilities]
        if able:
            return f"those that do: {', '.join(able)}"
        return "no model here does. GGUF models do with a projector, a file mmproj-….gguf, in the same folder"

    async def _version(self, model: str, task: ModelType) -> ModelVersion:
        """Raises ModelNotFound, LoadFailed, Unsupported."""
        version = await self._resolve(model)
        if task not in version.inspection.types:
            can = ", ".join(version.inspection.types)
            raise Unsupported(
                model=model, reason=f"it is a {version.inspection.architecture}, which does {can}, not {task}"
            )
        return version


def _question(version: ModelVersion, request: GenerateRequest, prompt: str | None) -> Generate:
    sampling = filled(request, version.options, version.inspection.defaults)
    return Generate(
        0,
        prompt,
        request.messages,
        sampling,
        request.truncate,
        request.json_schema,
        request.grammar,
        request.logprobs,
        request.tools,
        request.tool_choice,
    )


def _options(request: TranslateRequest) -> TranslationOptions:
    return TranslationOptions(**{name: getattr(request, name) for name in TranslationOptions.__struct_fields__})


def _generated(record: Record, answer: Answer) -> GenerateResponse:
    if not isinstance(outcome := answer.outcome, Generated):
        raise _unexpected(outcome)
    record.prompt_tokens += outcome.prompt_tokens
    record.completion_tokens += outcome.completion_tokens
    return results.generated(
        record.version.model,
        answer.text,
        outcome,
        answer.facts,
        waited_ms=record.queue_ms,
        first_token_ms=answer.first_token_ms,
        total_ms=record.elapsed_ms,
    )


def _check_exactly_one(**given: object) -> None:
    if sum(value is not None for value in given.values()) != 1:
        raise InvalidRequest(reason=f"exactly one of {', '.join(given)} must be given")


def _texts(request: ClassifyRequest | TranslateRequest) -> list[str]:
    _check_exactly_one(text=request.text, texts=request.texts)
    return [request.text] if request.text is not None else request.texts or []


def _asked_text(request: GenerateRequest, seen: list[Image]) -> str:
    """The question as the history shows it."""
    if request.messages is not None:
        return images.described(request.messages, seen)
    return request.prompt if request.prompt is not None else "\n".join(request.prompts or [])


def _unexpected(outcome: object) -> InternalError:
    return InternalError(reason=f"the worker answered with {type(outcome).__name__}", request_id="of this moment")
