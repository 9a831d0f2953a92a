"""The manager end to end, with real workers and the echo engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.errors import (
    Conflict,
    ContextExceeded,
    DoesNotFit,
    InvalidRequest,
    ModelNotFound,
    QueueFull,
    RequestTimeout,
    Unsupported,
)
from sidecar.types import (
    ClassifyBatchResponse,
    ClassifyRequest,
    ClassifyResponse,
    EmbedRequest,
    GenerateBatchResponse,
    GenerateChunk,
    GenerateRequest,
    GenerateResponse,
    LoadRequest,
    Message,
    RegisterRequest,
    TranslateRequest,
    TranslateResponse,
    UpdateRequest,
)
from tests.helpers.models import echo_model

from .conftest import AddEcho, OpenManager


def ask(prompt: str, **fields: object) -> GenerateRequest:
    return GenerateRequest(**{"prompt": prompt, "temperature": 0, "max_new_tokens": 10_000, **fields})


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event for each of them
            await asyncio.sleep(0.02)


async def test_an_answer_comes_with_its_figures(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    answer = await manager.generate(model, ask("one two three"), caller="owner")
    assert isinstance(answer, GenerateResponse)
    assert answer.generated_text == "one two three"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.execution.engine == "echo"
    assert answer.context_length == 4096
    assert 0 < answer.timings.time_to_first_token_ms <= answer.execution_time_ms


async def test_messages_are_answered_too(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    request = GenerateRequest(messages=[Message("system", "be brief"), Message("user", "hello there")])
    answer = await manager.generate(model, request, caller="owner")
    assert isinstance(answer, GenerateResponse)
    assert answer.generated_text == "hello there"


async def test_a_stream_is_the_same_text_in_pieces_and_its_last_chunk_has_the_figures(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", delay_ms=5)
    chunks = [chunk async for chunk in manager.stream(model, ask("one two three"), caller="owner")]
    assert "".join(chunk.text for chunk in chunks) == "one two three"
    assert len(chunks) > 2
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].finish_reason == "stop"
    assert chunks[-1].usage is not None


async def test_prompts_are_answered_in_their_order(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    prompts = [f"prompt {number}" for number in range(30)]
    answer = await manager.generate(model, GenerateRequest(prompts=prompts), caller="owner")
    assert isinstance(answer, GenerateBatchResponse)
    assert [result.generated_text for result in answer.results] == prompts


async def test_one_failing_prompt_fails_the_batch_and_frees_the_model(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", context_length=3, repeat=0, delay_ms=1)
    with pytest.raises(ContextExceeded):
        await manager.generate(model, GenerateRequest(prompts=["ok", "one two three four five"]), caller="owner")
    assert manager.model(model).active_requests == 0


async def test_two_clients_of_one_model_get_what_each_would_get_alone(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", delay_ms=2)

    async def streamed(prompt: str) -> list[str]:
        return [chunk.text async for chunk in manager.stream(model, ask(prompt), caller="owner")]

    first, second = "words of the first " * 20, "the second says else " * 20
    alone = ["".join(await streamed(prompt)) for prompt in (first, second)]
    together = ["".join(texts) for texts in await asyncio.gather(streamed(first), streamed(second))]
    assert together == alone


async def test_classification_is_ranked_and_cut(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", model_type="classification", labels=["a", "b", "c", "d"])
    one = await manager.classify(model, ClassifyRequest(text="good", top_k=2), caller="owner")
    several = await manager.classify(model, ClassifyRequest(texts=["good", "bad"]), caller="owner")
    assert isinstance(one, ClassifyResponse)
    assert isinstance(several, ClassifyBatchResponse)
    values = list(several.results[0].classifications.values())
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1)
    assert list(one.classifications.items()) == list(several.results[0].classifications.items())[:2]


async def test_translation_and_embedding(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    translated = await manager.translate(model, TranslateRequest(text="hello", target_lang="de"), caller="owner")
    assert isinstance(translated, TranslateResponse)
    assert translated.translated_text == "[de] hello"
    vectors = await manager.embed(model, EmbedRequest(texts=["a", "b", "a"], dimensions=4), caller="owner")
    assert vectors.dimensions == 4
    assert vectors.embeddings[0] == vectors.embeddings[2] != vectors.embeddings[1]
    assert sum(value * value for value in vectors.embeddings[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("request_", [GenerateRequest(), GenerateRequest(prompt="a", prompts=["b"])])
async def test_a_request_without_exactly_one_input_is_refused(
    open_manager: OpenManager, add_echo: AddEcho, request_: GenerateRequest
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    with pytest.raises(InvalidRequest, match="exactly one"):
        await manager.generate(model, request_, caller="owner")


async def test_an_unknown_model_is_not_found(open_manager: OpenManager) -> None:
    manager = await open_manager()
    with pytest.raises(ModelNotFound):
        await manager.generate("nobody", ask("hello"), caller="owner")


async def test_a_task_that_the_architecture_cannot_do_is_refused_before_any_load(
    open_manager: OpenManager, tmp_path: Path
) -> None:
    manager = await open_manager()
    folder = tmp_path / "marian"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["MarianMTModel"]}))
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (folder / "source.spm").write_bytes(b"x")
    await manager.register(RegisterRequest(name="marian", model_type="translation", model_path=str(folder)))
    with pytest.raises(Unsupported, match="MarianMTModel"):
        await manager.generate("marian", ask("hello"), caller="owner")
    assert manager.summary().loaded == 0


async def test_a_request_that_takes_too_long_is_ended(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager(request_timeout_s=1)
    model = await add_echo(manager, "endless", repeat=0, delay_ms=20)
    with pytest.raises(RequestTimeout):
        await manager.generate(model, ask("for ever"), caller="owner")
    assert manager.model(model).active_requests == 0


async def test_waiting_for_a_load_counts_towards_the_time_limit(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager(request_timeout_s=1)
    model = await add_echo(manager, "slow", load_ms=3000)
    with pytest.raises(RequestTimeout):
        await manager.generate(model, ask("hello"), caller="owner")


async def test_too_many_waiting_requests_are_refused_with_a_time_to_come_again(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager(queue_limit=2, max_sequences=1)
    model = await add_echo(manager, "endless", repeat=0, delay_ms=20)
    await manager.load(model)
    running = [asyncio.create_task(manager.generate(model, ask("go on"), caller="owner")) for _ in range(3)]
    await until(lambda: manager.queue_depth == 2)
    with pytest.raises(QueueFull) as refused:
        await manager.generate(model, ask("me too"), caller="owner")
    assert refused.value.details["retry_after"] >= 1
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert manager.queue_depth == 0


async def test_the_count_limit_evicts_the_least_recently_used(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager(max_loaded_models=2)
    for name in ("a", "b", "c"):
        await add_echo(manager, name)
        await manager.generate(name, ask("hello"), caller="owner")
    assert [model.id for model in manager.models() if model.is_loaded] == ["b", "c"]


async def test_the_memory_limit_evicts_the_least_recently_used(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager(memory_limit_mb=100)
    for name in ("a", "b", "c"):
        await add_echo(manager, name)
        await manager.generate(name, ask("hello"), caller="owner")
    loaded = [model.id for model in manager.models() if model.is_loaded]
    assert "c" in loaded
    assert "a" not in loaded
    assert manager.memory_usage_mb <= 100


async def test_a_model_larger_than_the_limit_is_refused_with_numbers(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager(memory_limit_mb=1)
    model = await add_echo(manager, "a")
    with pytest.raises(DoesNotFit, match="1 MB can be used"):
        await manager.load(model)


async def test_keep_alive_seconds_zero_and_negative(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager(keep_alive_s=0.5)
    for name, keep_alive in (("zero", 0), ("ever", -1), ("short", None)):
        await add_echo(manager, name)
        await manager.generate(name, ask("hello", keep_alive=keep_alive), caller="owner")
    expires = manager.model("short").expires_in_s
    assert expires is not None
    assert expires <= 0.5
    assert not manager.model("zero").is_loaded
    await until(lambda: not manager.model("short").is_loaded)
    assert manager.model("ever").is_loaded
    assert manager.model("ever").expires_in_s is None


async def test_replicas_share_the_requests(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "endless", repeat=0, delay_ms=20)
    await manager.load(model, LoadRequest(num_workers=2))
    streams = [manager.stream(model, ask("go on"), caller="owner") for _ in range(4)]
    await asyncio.gather(*(anext(stream) for stream in streams))
    resident = manager._residency.get(model)
    assert resident is not None
    assert [replica.active for replica in resident.replicas] == [2, 2]
    for stream in streams:
        await stream.aclose()


async def test_a_spare_worker_is_made_after_a_load_and_used_by_the_next(
    open_manager: OpenManager, add_echo: AddEcho, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.runtime.spare.QUIET_S", 0.05)
    manager = await open_manager(spare_worker=True)
    await add_echo(manager, "a")
    await add_echo(manager, "b")
    await manager.load("a")
    spare = manager._launcher.spare
    assert spare.waiting
    async with asyncio.timeout(20):
        while (starting := spare._starting) is None:  # noqa: ASYNC110 - the spare tells nobody
            await asyncio.sleep(0.02)
    worker = await asyncio.shield(starting)
    assert worker is not None
    await manager.load("b")
    resident = manager._residency.get("b")
    assert resident is not None
    assert resident.live[0].worker is worker
    assert spare.waiting


async def test_the_models_default_sampling_is_used_where_a_request_says_nothing(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", options={"max_new_tokens": 2})
    short = await manager.generate(model, GenerateRequest(prompt="one two three four"), caller="owner")
    longer = await manager.generate(model, GenerateRequest(prompt="one two three four", max_length=7), caller="owner")
    assert isinstance(short, GenerateResponse)
    assert isinstance(longer, GenerateResponse)
    assert short.generated_text == "one two"
    assert longer.generated_text == "one two three"


async def test_updated_options_are_kept_over_a_restart(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", options={"temperature": 0.3, "top_k": 5})
    await manager.update(model, UpdateRequest(temperature=1.5, top_k=None, pinned=True))
    again = (await open_manager()).model(model)
    assert (again.temperature, again.top_k, again.pinned) == (1.5, None, True)


async def test_what_a_load_taught_is_known_after_a_restart(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", labels=["x", "y"])
    assert manager.model(model).labels == []
    await manager.load(model)
    assert (await open_manager()).model(model).labels == ["x", "y"]


async def test_a_device_that_does_not_exist_is_refused(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    with pytest.raises(InvalidRequest, match="toaster"):
        await manager.load(model, LoadRequest(device="toaster"))


async def test_a_removed_model_is_gone(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    await manager.load(model)
    await manager.remove(model)
    with pytest.raises(ModelNotFound):
        manager.model(model)
    assert manager.memory_usage_mb == 0


async def test_a_busy_model_is_neither_unloaded_nor_removed(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "endless", repeat=0, delay_ms=20)
    stream = manager.stream(model, ask("go on"), caller="owner")
    await anext(stream)
    with pytest.raises(Conflict):
        await manager.unload(model)
    with pytest.raises(Conflict):
        await manager.remove(model)
    await stream.aclose()
    await manager.unload(model)
    assert not manager.model(model).is_loaded


async def test_events_tell_the_life_of_a_model(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    with manager.events.subscribe() as events:
        model = await add_echo(manager, "echo")
        await manager.load(model)
        await manager.unload(model)
        await manager.remove(model)
        states: list[str] = []
        async for event in events:
            if event.type == "model":
                states.append(event.state or "")
            if event.state == "removed":
                break
    assert states == ["registered", "loading", "loaded", "unloaded", "removed"]


async def test_system_figures_are_told_to_those_who_listen(open_manager: OpenManager) -> None:
    manager = await open_manager()
    with manager.events.subscribe() as events:
        async with asyncio.timeout(20):
            event = await anext(aiter(events))
    assert event.type == "system"
    assert event.memory_total_mb
    assert event.models_loaded == 0


async def test_history_and_metrics_have_each_request_once(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", context_length=3, delay_ms=20)
    await manager.generate(model, ask("hello"), caller="owner")
    with pytest.raises(ContextExceeded):
        await manager.generate(model, ask("one two three four"), caller="someone")
    stream = manager.stream(model, ask("one two"), caller="owner")
    await anext(stream)
    await stream.aclose()
    page = await manager.history.page()
    assert [(entry.outcome, entry.key) for entry in page.entries] == [
        ("cancelled", "owner"),
        ("error", "someone"),
        ("ok", "owner"),
    ]
    assert page.entries[0].completion_tokens > 0
    assert page.entries[1].error_code == "context_exceeded"
    assert page.entries[2].version == manager.model(model).version
    manager.observe()
    text = manager.metrics.exposition().decode()
    assert 'inglenook_requests_total{kind="generate",model="echo",outcome="ok"} 1.0' in text
    assert 'inglenook_errors_total{code="context_exceeded",model="echo"} 1.0' in text
    assert 'inglenook_model_memory_bytes{model="echo"}' in text


async def test_padding_of_texts_that_are_read_together_is_counted(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo", model_type="classification")
    await manager.classify(model, ClassifyRequest(texts=["one two three", "one"]), caller="owner")
    text = manager.metrics.exposition().decode()
    assert 'inglenook_tokens_total{direction="read",model="echo"} 4.0' in text
    assert 'inglenook_tokens_total{direction="padding",model="echo"} 2.0' in text


async def test_texts_are_in_the_history_only_if_the_setting_says_so(
    open_manager: OpenManager, add_echo: AddEcho
) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")
    await manager.generate(model, ask("hello"), caller="owner")
    manager.apply(type(manager.settings)(history_texts=True, spare_worker=False))
    await manager.generate(model, ask("hello"), caller="owner")
    newest, oldest = (await manager.history.page()).entries
    assert (oldest.input_text, oldest.output_text) == (None, None)
    assert (newest.input_text, newest.output_text) == ("hello", "hello")


async def test_a_name_taken_by_another_folder_is_a_conflict(
    open_manager: OpenManager, add_echo: AddEcho, tmp_path: Path
) -> None:
    manager = await open_manager()
    await add_echo(manager, "echo")
    other = echo_model(tmp_path / "other")
    with pytest.raises(Conflict):
        await manager.register(RegisterRequest(name="echo", model_type="embedding", model_path=str(other)))


async def test_many_streams_at_once_all_arrive_whole(open_manager: OpenManager, add_echo: AddEcho) -> None:
    manager = await open_manager()
    model = await add_echo(manager, "echo")

    async def streamed(number: int) -> bool:
        prompt = f"stream {number} has these words"
        chunks: list[GenerateChunk] = [chunk async for chunk in manager.stream(model, ask(prompt), caller="owner")]
        return "".join(chunk.text for chunk in chunks) == prompt and chunks[-1].done

    assert all(await asyncio.gather(*map(streamed, range(200))))


async def test_the_front_imports_no_engine_library(open_manager: OpenManager) -> None:
    import subprocess
    import sys

    code = "import sys, sidecar.runtime.manager; print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"

    def run() -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    assert await asyncio.to_thread(run) == "[]"
