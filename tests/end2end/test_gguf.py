"""GGUF models through the whole service: registered by path, asked over HTTP, damaged, and gone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import psutil
import pytest

from sidecar.client import Client
from sidecar.errors import InvalidRequest, LoadFailed, Unsupported
from sidecar.types import (
    Adapter,
    DecideRequest,
    EmbedRequest,
    Execution,
    GenerateRequest,
    GenerateResponse,
    Message,
    ModelType,
    RegisterRequest,
    RerankRequest,
    UpdateRequest,
)
from tests.helpers.command_line import command_on
from tests.helpers.gguf_models import gguf_model, write_adapter
from tests.helpers.service import RunningService, has_requests, running_service

MODELS: dict[str, ModelType] = {
    "llama-chat": "text_generation",
    "embed-mean": "embedding",
    "rerank": "reranking",
}
Write = Callable[[bytes], Path]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service"), max_loaded_models=20) as running:
        asyncio.run(_register(running))
        yield running


async def _register(running: RunningService) -> None:
    async with running.client() as client:
        for name, kind in MODELS.items():
            await client.register(RegisterRequest(name=name, model_type=kind, model_path=str(gguf_model(name))))


@pytest.fixture
def damaged(tmp_path: Path) -> Callable[[Callable[[bytearray], None]], Path]:
    """`damaged(change)`: a copy of the chat model after `change`."""

    def write(change: Callable[[bytearray], None]) -> Path:
        content = bytearray(gguf_model("llama-chat").read_bytes())
        change(content)
        file = tmp_path / "damaged.gguf"
        file.write_bytes(content)
        return file

    return write


def greedy(text: str = "the small model", **more: object) -> GenerateRequest:
    return GenerateRequest(
        **({"messages": [Message("user", text)], "temperature": 0, "max_new_tokens": 12} | more)  # type: ignore[arg-type]
    )


async def say(client: Client, request: GenerateRequest, model: str = "llama-chat") -> GenerateResponse:
    answer = await client.generate(model, request)
    assert isinstance(answer, GenerateResponse)
    return answer


async def streamed(client: Client, request: GenerateRequest) -> str:
    async with aclosing(client.stream("llama-chat", request)) as chunks:
        return "".join([chunk.text async for chunk in chunks])


async def test_a_model_is_told_with_its_facts(client: Client) -> None:
    model = await client.model("llama-chat")
    assert (model.engine, model.dtype, model.context_length) == ("llamacpp", "f32", 256)
    assert model.parameters_count == 42912
    assert model.capabilities == ["generate", "chat", "decide"]
    assert model.is_loaded


async def test_a_stream_is_the_same_alone_and_among_seven_others(client: Client) -> None:
    texts = ("tea", "rain and sun", "coffee", "good", "bad rain", "the small model", "what do you think", "sun sun")
    requests = [greedy(text, max_new_tokens=40) for text in texts]
    alone = [(await say(client, request)).generated_text for request in requests]
    assert await asyncio.gather(*(streamed(client, request) for request in requests)) == alone


async def test_an_answer_that_nobody_reads_any_more_ends(client: Client) -> None:
    async with aclosing(client.stream("llama-chat", greedy(max_new_tokens=240))) as chunks:
        await anext(chunks)
    await has_requests(client, "llama-chat", False)
    assert (await say(client, greedy())).usage.completion_tokens == 12


async def test_figures_tell_what_was_cached(client: Client) -> None:
    text = "good bad rain sun " * 10
    await say(client, greedy(text + "tea"))
    answer = await say(client, greedy(text + "coffee"))
    assert answer.usage.cached_tokens > 0.7 * answer.usage.prompt_tokens
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.timings.decode_ms > 0


async def test_a_schema_binds_the_answer(client: Client) -> None:
    answer = await say(client, greedy(json_schema={"enum": ["tea", "coffee"]}))
    assert answer.generated_text.strip() in ('"tea"', '"coffee"')


async def test_log_probabilities_come_with_the_answer_and_the_last_chunk(client: Client) -> None:
    assert (await say(client, greedy(logprobs=2))).logprobs[0].logprob < 0
    async with aclosing(client.stream("llama-chat", greedy(logprobs=0))) as chunks:
        last = [chunk async for chunk in chunks][-1]
    assert last.logprobs
    assert last.logprobs[0].top == {}


async def test_labels_get_probabilities(client: Client) -> None:
    answer = await client.decide("llama-chat", DecideRequest(["yes", "no"], messages=[Message("user", "tea")]))
    assert answer.execution == Execution("llamacpp", "cpu", "f32")
    assert set(answer.probabilities) == {"yes", "no"}
    assert sum(answer.probabilities.values()) == pytest.approx(1)


async def test_embeddings_and_scores(client: Client) -> None:
    vectors = await client.embed("embed-mean", EmbedRequest(["good tea", "rain"]))
    assert np.linalg.norm(vectors.embeddings[0]) == pytest.approx(1, abs=1e-4)
    ranked = await client.rerank("rerank", RerankRequest("tea", ["rain", "good tea", "sun"], top_k=2))
    assert ranked.execution == Execution("llamacpp", "cpu", "f32")
    assert len(ranked.results) == 2
    assert ranked.results[0].score >= ranked.results[1].score


async def test_a_model_refuses_what_it_is_not_for(client: Client) -> None:
    with pytest.raises(Unsupported):
        await client.rerank("llama-chat", RerankRequest("tea", ["rain"]))
    with pytest.raises(Unsupported):
        await client.generate("embed-mean", greedy())


async def test_an_adapter_changes_the_answers(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "adapter.gguf"
    write_adapter(file)
    await client.register(
        RegisterRequest(
            name="adapted",
            model_type="text_generation",
            model_path=str(gguf_model("llama-chat")),
            adapters=[Adapter(str(file))],
        )
    )
    assert (await say(client, greedy(), "adapted")).generated_text != (await say(client, greedy())).generated_text
    await client.unload("adapted")


async def test_a_draft_model_changes_nothing_but_the_speed(client: Client) -> None:
    file = str(gguf_model("llama-chat"))
    await client.register(
        RegisterRequest(name="drafted", model_type="text_generation", model_path=file, draft_model=file)
    )
    request = greedy(max_new_tokens=40)
    assert (await say(client, request, "drafted")).generated_text == (await say(client, request)).generated_text
    await client.unload("drafted")


async def test_proposals_from_repetition_change_nothing_but_the_speed(client: Client) -> None:
    file = str(gguf_model("llama-chat"))
    await client.register(
        RegisterRequest(name="repeating", model_type="text_generation", model_path=file, draft_model="repetition")
    )
    request = greedy(max_new_tokens=60, grammar='root ::= ("the cat sat on the mat. ")+')
    assert (await say(client, request, "repeating")).generated_text == (await say(client, request)).generated_text
    await client.unload("repeating")


async def test_what_is_not_an_adapter_is_refused(client: Client) -> None:
    file = str(gguf_model("llama-chat"))
    request = RegisterRequest(name="wrong", model_type="text_generation", model_path=file, adapters=[Adapter(file)])
    with pytest.raises(InvalidRequest, match="not a LoRA adapter"):
        await client.register(request)


async def test_what_goes_beside_a_model_is_changed_and_holds_from_its_next_load(client: Client, tmp_path: Path) -> None:
    file, draft = tmp_path / "adapter.gguf", str(gguf_model("llama-chat"))
    write_adapter(file)
    await client.register(RegisterRequest(name="changed", model_type="text_generation", model_path=draft))
    plain = (await say(client, greedy(), "changed")).generated_text
    told = await client.update("changed", UpdateRequest(adapters=[Adapter(str(file))], draft_model=draft))
    assert (told.adapters, told.draft_model, told.is_loaded) == ([Adapter(str(file))], draft, False)
    adapted = (await say(client, greedy(), "changed")).generated_text
    assert adapted != plain
    for wrong, why in (
        (UpdateRequest(adapters=[Adapter(draft)]), "not a LoRA adapter"),
        (UpdateRequest(draft_model="small.gguf"), "give its whole path"),
        (UpdateRequest(draft_model=str(gguf_model("embed-mean"))), "does not generate text"),
        (UpdateRequest(draft_model=str(file)), "does not generate text"),
    ):
        with pytest.raises(InvalidRequest, match=why):
            await client.update("changed", wrong)
    assert (await client.model("changed")).is_loaded
    assert (await client.model("changed")).adapters == [Adapter(str(file))]
    await client.update("changed", UpdateRequest(adapters=[], draft_model=None))
    assert (await say(client, greedy(), "changed")).generated_text == plain
    await client.unload("changed")


def test_what_goes_beside_a_model_is_named_on_the_command_line(service: RunningService, tmp_path: Path) -> None:
    cli, file, model = command_on(service), tmp_path / "a=b.gguf", str(gguf_model("llama-chat"))
    write_adapter(file)
    beside = ["--adapter", str(file), "--adapter", f"{file}=0.5", "--draft-model", "repetition", "--no-use-projector"]
    done = cli("register", "beside", model, "--type", "text_generation", *beside)
    assert done.returncode == 0, done.stderr
    (told,) = [one for one in json.loads(cli("models", "--json").stdout) if one["id"] == "beside"]
    assert [(one["path"], one.get("scale", 1.0)) for one in told["adapters"]] == [(str(file), 1.0), (str(file), 0.5)]
    assert (told["draft_model"], told["use_projector"]) == ("repetition", False)
    wrong = cli("register", "beside", model, "--type", "text_generation", "--adapter", f"{file}=much")
    assert "'much' is not a number" in wrong.stderr
    assert "not a LoRA adapter" in cli("register", "x", model, "--type", "text_generation", "--adapter", model).stderr
    cli("unload", "beside")


async def test_a_file_cut_short_is_refused_before_it_is_loaded(client: Client, damaged: Callable[..., Path]) -> None:
    def cut(content: bytearray) -> None:
        del content[-1000:]

    with pytest.raises(InvalidRequest, match="cut short"):
        await client.register(RegisterRequest(name="cut", model_type="text_generation", model_path=str(damaged(cut))))


async def test_what_only_the_library_can_refuse_has_its_reason_and_harms_nobody(
    client: Client, damaged: Callable[..., Path]
) -> None:
    def rename(content: bytearray) -> None:
        at = content.index(b"blk.1.attn_output.weight")
        content[at : at + 5] = b"xxx.1"

    request = RegisterRequest(name="odd", model_type="text_generation", model_path=str(damaged(rename)))
    with pytest.raises(LoadFailed, match=r"blk\.1\.attn_output"):
        await client.register(request)
    assert (await say(client, greedy())).usage.completion_tokens == 12


async def test_a_worker_that_dies_is_replaced(client: Client, service: RunningService) -> None:
    before = (await say(client, greedy())).generated_text
    for child in psutil.Process(service.process.pid).children(recursive=True):
        child.kill()
        child.wait()
    assert (await say(client, greedy())).generated_text == before
