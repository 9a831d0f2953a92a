"""Inference over HTTP against the real service with echo models: shapes, streams, and each error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import aiohttp
import msgspec
import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.types import (
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    EmbedRequest,
    EmbedResponse,
    GenerateBatchResponse,
    GenerateChunk,
    GenerateRequest,
    GenerateResponse,
    InferenceRequest,
    Message,
    TranslateBatchResponse,
    TranslateRequest,
    TranslateResponse,
)
from tests.helpers.service import RunningService, has_requests


def calling(arguments: str) -> dict[str, Any]:
    """The assistant's turn with one call, as OpenAI's clients send it."""
    call = {"id": "call_1", "type": "function", "function": {"name": "brew", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


CALLING = calling('{"drink": "tea"}')
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "it is hot"}


async def post(service: RunningService, path: str, body: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.post(service.url + path, json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_prompt_is_answered_in_the_documented_shape(service: RunningService) -> None:
    status, answer = await post(service, "/models/echo/generate", {"prompt": "one two three"})
    assert status == 200
    assert answer["generated_text"] == "one two three"
    assert answer["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] == 3
    assert {"execution_time_ms", "timings", "model", "execution", "warnings"} <= answer.keys()


async def test_messages_are_answered(client: Client) -> None:
    answer = await client.generate("echo", GenerateRequest(messages=[Message("user", "hello there")]))
    assert isinstance(answer, GenerateResponse)
    assert "hello there" in answer.generated_text


async def test_what_a_tool_gave_is_read_and_the_history_shows_its_call(service: RunningService, client: Client) -> None:
    await client.change_settings({"history_texts": True})
    body = {"messages": [{"role": "user", "content": "tea?"}, CALLING, RESULT]}
    status, answer = await post(service, "/models/echo/generate", body)
    await client.change_settings({"history_texts": False})
    assert (status, answer["generated_text"]) == (200, "it is hot")
    entry = (await client.history()).entries[0]
    assert entry.input_text == 'user: tea?\nassistant: brew({"drink": "tea"})\ntool: it is hot'


async def test_prompts_are_answered_in_their_order(client: Client) -> None:
    answer = await client.generate("echo", GenerateRequest(prompts=["b", "a", "c"]))
    assert isinstance(answer, GenerateBatchResponse)
    assert [each.generated_text for each in answer.results] == ["b", "a", "c"]


async def test_the_answer_is_as_long_as_asked(client: Client) -> None:
    answer = await client.generate("endless", GenerateRequest(prompt="again", max_new_tokens=5))
    assert isinstance(answer, GenerateResponse)
    assert (answer.usage.completion_tokens, answer.finish_reason) == (5, "length")


async def test_a_stream_has_one_object_per_event_and_ends_with_done(service: RunningService) -> None:
    body = {"prompt": "one two three", "stream": True}
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.post(service.url + "/models/echo/generate", json=body) as answer,
    ):
        assert answer.content_type == "text/event-stream"
        raw = await answer.read()
    events = [msgspec.json.decode(block.removeprefix(b"data: ")) for block in raw.strip().split(b"\n\n")]
    assert "".join(event.get("text", "") for event in events) == "one two three"
    assert [event.get("done", False) for event in events] == [False] * (len(events) - 1) + [True]
    assert events[-1]["finish_reason"] == "stop"
    assert events[-1]["usage"]["prompt_tokens"] == 3


async def test_the_streamed_text_is_the_whole_text(client: Client) -> None:
    request = GenerateRequest(prompt="a b c d e f")
    streamed = "".join([chunk.text async for chunk in client.stream("echo", request)])
    whole = await client.generate("echo", request)
    assert isinstance(whole, GenerateResponse)
    assert streamed == whole.generated_text


async def test_leaving_a_stream_stops_the_computation(client: Client) -> None:
    async with aclosing(client.stream("endless", GenerateRequest(prompt="again", max_new_tokens=100_000))) as chunks:
        async for _ in chunks:
            break
    await has_requests(client, "endless", False)
    latest = (await client.history(model="endless", limit=1)).entries[0]
    assert latest.outcome == "cancelled"


async def test_a_client_that_vanishes_stops_the_computation(service: RunningService, client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    body = msgspec.json.encode({"prompt": "again", "max_new_tokens": 100_000, "stream": True})
    head = (
        f"POST /models/endless/generate HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nx-api-key: {service.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await reader.readuntil(b"data: ")
    writer.transport.abort()
    await has_requests(client, "endless", False)


async def test_a_client_that_vanishes_before_the_answer_stops_the_computation(
    service: RunningService, client: Client
) -> None:
    asking = asyncio.create_task(client.generate("endless", GenerateRequest(prompt="again", max_new_tokens=100_000)))
    await has_requests(client, "endless", True)
    asking.cancel()
    await has_requests(client, "endless", False)
    async with asyncio.timeout(30):
        while '"status":499' not in service.log():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)


async def test_classify_gives_each_label_its_probability(client: Client) -> None:
    answer = await client.classify("classifier", ClassifyRequest(text="lovely"))
    assert isinstance(answer, ClassifyResponse)
    assert set(answer.classifications) == {"positive", "neutral", "negative"}
    assert sum(answer.classifications.values()) == pytest.approx(1)
    assert list(answer.classifications.values()) == sorted(answer.classifications.values(), reverse=True)


async def test_classify_takes_several_texts_top_k_and_free_labels(client: Client) -> None:
    several = await client.classify("classifier", ClassifyRequest(texts=["a", "b"], top_k=1))
    assert isinstance(several, ClassifyBatchResponse)
    assert [len(each.classifications) for each in several.results] == [1, 1]
    free = await client.classify("classifier", ClassifyRequest(text="a", labels=["tea", "coffee"]))
    assert isinstance(free, ClassifyResponse)
    assert set(free.classifications) == {"tea", "coffee"}


async def test_translate_one_text_or_several(client: Client) -> None:
    one = await client.translate("translator", TranslateRequest(text="good day", target_lang="fr"))
    assert isinstance(one, TranslateResponse)
    assert one.translated_text == "[fr] good day"
    several = await client.translate("translator", TranslateRequest(texts=["a", "b"], target_lang="de"))
    assert isinstance(several, TranslateBatchResponse)
    assert [each.translated_text for each in several.results] == ["[de] a", "[de] b"]


async def test_embed_gives_one_vector_of_length_one_per_text(client: Client) -> None:
    answer = await client.embed("embedder", EmbedRequest(["a", "b", "a"]))
    assert answer.embeddings[0] == answer.embeddings[2] != answer.embeddings[1]
    assert answer.dimensions == len(answer.embeddings[0])
    assert sum(x * x for x in answer.embeddings[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("model_type", "model", "data", "answer"),
    [
        ("text_generation", "echo", {"prompt": "a"}, GenerateResponse),
        ("text_generation", "echo", {"prompts": ["a"]}, GenerateBatchResponse),
        ("classification", "classifier", {"text": "a"}, ClassifyResponse),
        ("classification", "classifier", {"texts": ["a"]}, ClassifyBatchResponse),
        ("translation", "translator", {"text": "a", "target_lang": "de"}, TranslateResponse),
        ("translation", "translator", {"texts": ["a"], "target_lang": "de"}, TranslateBatchResponse),
        ("embedding", "embedder", {"texts": ["a"]}, EmbedResponse),
    ],
)
async def test_inference_answers_as_the_type_s_own_route(
    model_type: Any, model: str, data: dict[str, Any], answer: type, client: Client
) -> None:
    assert isinstance(await client.inference(InferenceRequest(model_type, data, model)), answer)


async def test_inference_without_a_model_takes_the_one_the_settings_name(client: Client) -> None:
    await client.change_settings({"default_embedding_model": "embedder"})
    answer = await client.inference(InferenceRequest("embedding", {"texts": ["a"]}))
    await client.change_settings({"default_embedding_model": None})
    assert isinstance(answer, EmbedResponse)


async def test_inference_without_any_model_says_which_setting_to_set(client: Client) -> None:
    with pytest.raises(errors.InvalidRequest, match="default_translation_model"):
        await client.inference(InferenceRequest("translation", {"text": "a", "target_lang": "de"}))


@pytest.mark.parametrize(
    "path", ["/models/org/echo/generate", "/models/org%2Fecho/generate", "/models/org%2fecho/generate"]
)
async def test_an_id_with_a_slash_may_be_encoded_or_not(path: str, service: RunningService) -> None:
    status, answer = await post(service, path, {"prompt": "hello"})
    assert (status, answer.get("generated_text")) == (200, "hello")


@pytest.mark.parametrize(
    "name", ["nope", "no such model", "..", "../../etc/passwd", "a/../b", "%00", "ümläut", "a\\b", "."]
)
async def test_a_name_that_is_no_model_is_just_unknown(name: str, client: Client) -> None:
    with pytest.raises((errors.ModelNotFound, errors.NotFound)):
        await client.generate(name, GenerateRequest(prompt="a"))


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/models/echo/generate", {}, "prompt"),
        ("/models/echo/generate", {"prompt": "a", "prompts": ["a"]}, "exactly one of prompt, prompts, messages"),
        ("/models/echo/generate", {"prompts": ["a"], "stream": True}, "stream"),
        ("/models/echo/generate", {"prompts": []}, "prompts"),
        ("/models/echo/generate", {"prompt": "a", "temprature": 1}, "temprature"),
        ("/models/echo/generate", {"prompt": "a", "temperature": "hot"}, "temperature"),
        ("/models/echo/generate", {"prompt": "a", "top_p": 0}, "top_p"),
        ("/models/echo/generate", {"messages": [{"role": "user", "content": "a", "mood": "x"}]}, "mood"),
        ("/models/echo/generate", [], "object"),
        ("/models/echo/generate", {"messages": [{"role": "user"}]}, "number 1: content is missing"),
        ("/models/echo/generate", {"messages": [CALLING]}, "the last message asks for tool calls"),
        ("/models/echo/generate", {"messages": [CALLING | {"role": "user"}]}, "only the assistant has tool_calls"),
        ("/models/echo/generate", {"messages": [RESULT, CALLING]}, "number 1: tool_call_id 'call_1' is of no call"),
        (
            "/models/echo/generate",
            {"messages": [CALLING, RESULT | {"role": "user"}]},
            "number 2: only a message of the",
        ),
        ("/models/echo/generate", {"messages": [calling("[1]"), RESULT]}, "arguments of 'call_1' are no JSON object"),
        ("/models/echo/generate", {"messages": [calling('{"a": 1'), RESULT]}, "arguments of 'call_1'"),
        ("/models/echo/generate", {"messages": [calling('{"a":' + "[" * 9999), RESULT]}, "arguments of 'call_1'"),
        ("/models/echo/decide", {"messages": [RESULT], "labels": ["a", "b"]}, "is of no call"),
        ("/models/classifier/classify", {}, "text"),
        ("/models/classifier/classify", {"text": "a", "texts": ["b"]}, "exactly one of text, texts"),
        ("/models/translator/translate", {"target_lang": "de"}, "text"),
        ("/models/embedder/embed", {"texts": "a"}, "texts"),
        ("/models/embedder/embed", {}, "texts"),
        ("/inference", {"model_type": "vision", "data": {}}, "vision"),
        ("/inference", {"model_type": "embedding", "model": "embedder", "data": {"text": "a"}}, "text"),
        (
            "/inference",
            {"model_type": "text_generation", "model": "echo", "data": {"prompt": "a", "stream": True}},
            "stream",
        ),
    ],
)
async def test_a_wrong_body_is_a_400_that_names_what_is_wrong(
    path: str, body: Any, named: str, service: RunningService
) -> None:
    status, answer = await post(service, path, body)
    assert (status, answer["error"]["code"]) == (400, "invalid_request")
    assert named in answer["error"]["message"]
    assert answer["detail"] == answer["error"]["message"]


async def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(client: Client) -> None:
    with pytest.raises(errors.ContextExceeded) as caught:
        await client.generate("echo", GenerateRequest(prompt="word " * 5000))
    assert caught.value.details["prompt_tokens"] == 5000


async def test_a_stream_that_fails_before_its_first_token_has_the_error_s_status(service: RunningService) -> None:
    status, answer = await post(service, "/models/echo/generate", {"prompt": "word " * 5000, "stream": True})
    assert (status, answer["error"]["code"]) == (400, "context_exceeded")


async def test_what_the_model_cannot_do_is_a_422(client: Client) -> None:
    with pytest.raises(errors.Unsupported):
        await client.translate("translator", TranslateRequest(text="a", target_lang="tlh"))


async def test_an_error_in_the_middle_of_a_stream_is_its_last_event(service: RunningService) -> None:
    body = {"prompt": "one two three [[error]] five", "stream": True}
    async with (
        aiohttp.ClientSession(headers=service.headers) as session,
        session.post(service.url + "/models/echo/generate", json=body) as answer,
    ):
        raw = await answer.read()
    events = [msgspec.json.decode(block.removeprefix(b"data: ")) for block in raw.strip().split(b"\n\n")]
    assert len(events) > 1
    assert events[-1]["error"]["code"] == "inference_failed"
    assert events[-1]["done"] is True


async def test_the_client_raises_the_error_of_a_stream(client: Client) -> None:
    received: list[str] = []
    with pytest.raises(errors.InferenceFailed):
        await collect(client.stream("echo", GenerateRequest(prompt="one two [[error]]")), received)
    assert "".join(received).strip() == "one two"


async def collect(chunks: AsyncIterator[GenerateChunk], received: list[str]) -> None:
    async for chunk in chunks:
        received.append(chunk.text)  # noqa: PERF401 - what came before an error counts


async def test_a_crash_is_a_503_with_its_cause_and_the_next_request_works(client: Client) -> None:
    with pytest.raises(errors.WorkerCrashed) as caught:
        await client.generate("org/echo", GenerateRequest(prompt="[[crash]]"))
    assert "3" in caught.value.message
    answer = await client.generate("org/echo", GenerateRequest(prompt="still here"))
    assert isinstance(answer, GenerateResponse)
    assert answer.generated_text == "still here"
