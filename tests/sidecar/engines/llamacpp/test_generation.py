"""Generation from GGUF files in a real worker: the same answers as transformers, streams, cancelling, limits."""

from __future__ import annotations

import itertools
import queue
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.engines.base import Broken, News
from sidecar.engines.llamacpp import answering
from sidecar.engines.llamacpp.slots import Slots
from sidecar.engines.llamacpp.synthetic import write_model
from sidecar.runtime.protocol import Cancel, Delta, Failed, Finished, Generate, Generated, Load, Step, Up
from sidecar.types import Message, Sampling
from sidecar.worker.scheduler import Scheduler
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import tiny
from tests.helpers.worker import CoresTold, WorkerProcess, answer, ends, load, text_of

from .conftest import Start, facts_of

PROMPTS = ["the small model reads", "tea coffee", "Grüße aus Köln, schöne Straße!"]
EIGHT = [*PROMPTS, "a", "no yes maybe", "sun sun sun", "what do you think", "coffee and tea and rain"]
CHAT = [Message("user", "what do you think about rain")]
_ids = itertools.count(1)


@pytest.fixture(scope="module")
def llama(start: Start) -> WorkerProcess:
    return start(gguf_model("llama-chat"), max_sequences=4)


def question(prompt: str | None = None, messages: list[Message] | None = None, **more: Any) -> Generate:
    shaping = {key: more.pop(key) for key in ("truncate", "json_schema", "grammar", "logprobs") if key in more}
    sampling = Sampling(**({"temperature": 0, "max_new_tokens": 16} | more))
    return Generate(next(_ids), prompt, messages, sampling, **shaping)


def ask(worker: WorkerProcess, *questions: Generate) -> list[tuple[str, Generated]]:
    """Text and outcome of each; none may fail."""
    worker.send(*questions)
    frames = worker.receive_ends(*(one.id for one in questions))
    return [(text_of(frames, one.id), outcome_of(frames, one.id)) for one in questions]


def outcome_of(frames: list[Up], request_id: int) -> Generated:
    end = ends(frames)[request_id]
    assert isinstance(end, Finished), end
    assert isinstance(end.outcome, Generated)
    return end.outcome


def failure(worker: WorkerProcess, request: Generate) -> Failed:
    worker.send(request)
    end = worker.receive_ends(request.id)[-1]
    assert isinstance(end, Failed), end
    return end


@pytest.mark.parametrize("name", ["llama-chat", "qwen2"])
def test_greedy_answers_are_those_of_transformers(start: Start, llama: WorkerProcess, name: str) -> None:
    worker = llama if name == "llama-chat" else start(gguf_model(name))
    questions = [
        *(question(text, repetition_penalty=1.0) for text in PROMPTS),
        question(None, CHAT, repetition_penalty=1.0),
    ]
    theirs = answer(load(tiny(name)), *questions)
    for request, (text, outcome) in zip(questions, ask(worker, *questions), strict=True):
        expected, figures = theirs[request.id]
        # Where the last token ends amid a character, llama.cpp shows nothing of it.
        assert text == expected or (expected.startswith(text) and len(expected) - len(text) <= 2)
        assert outcome.finish_reason == figures.finish_reason
        assert (outcome.prompt_tokens, outcome.completion_tokens) == (figures.prompt_tokens, figures.completion_tokens)


def test_answers_are_the_same_alone_and_together(llama: WorkerProcess) -> None:
    def questions() -> list[Generate]:
        return [question(text, temperature=1.0, seed=7, max_new_tokens=24) for text in PROMPTS]

    alone = [ask(llama, one)[0][0] for one in questions()]
    assert [text for text, _ in ask(llama, *questions())] == alone


@pytest.mark.parametrize("name", ["qwen2-q8", "llama-q4"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_answers_of_rounded_weights_are_the_same_alone_and_among_seven_others(
    start: Start, name: str, temperature: float
) -> None:
    def questions() -> list[Generate]:
        return [question(text, temperature=temperature, seed=7, max_new_tokens=24, logprobs=1) for text in EIGHT]

    one, all_at_once = (start(gguf_model(name), max_sequences=8) for _ in range(2))  # neither remembers for the other
    alone = [ask(one, request)[0] for request in questions()]
    together = ask(all_at_once, *questions())
    assert len({text for text, _ in alone}) > 1
    assert [text for text, _ in together] == [text for text, _ in alone]
    for (_, theirs), (_, own) in zip(together, alone, strict=True):
        assert [token.logprob for token in theirs.logprobs] == pytest.approx(
            [token.logprob for token in own.logprobs], abs=1e-3
        )


def test_another_seed_gives_another_answer(llama: WorkerProcess) -> None:
    texts = {ask(llama, question("the", temperature=1.5, seed=seed))[0][0] for seed in range(5)}
    assert len(texts) > 1


def test_the_engine_tells_every_token_when_it_reads_every_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "READ_EVERY_S", 0.0)
    deltas = _deltas(question("the small model", max_new_tokens=12))
    assert len(deltas) > 6
    assert [delta.tokens for delta in deltas] == sorted(delta.tokens for delta in deltas)
    assert deltas[-1].tokens == 12


def test_the_first_token_is_told_at_once_and_those_of_one_moment_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "READ_EVERY_S", 0.0)
    singly = _deltas(question("the small model", max_new_tokens=12))
    monkeypatch.setattr(answering, "READ_EVERY_S", 60.0)
    together = _deltas(question("the small model", max_new_tokens=12))
    assert [delta.tokens for delta in together] == [1, 12]
    assert "".join(delta.text for delta in together) == "".join(delta.text for delta in singly)


def _deltas(request: Generate) -> list[Delta]:
    slots = load(gguf_model("llama-chat"), engine="llamacpp").self_scheduling
    assert slots is not None
    told: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots.connect(told.put)
    slots.submit(request)
    return [one for one in _until_finished(told) if isinstance(one, Delta)]


def test_other_programs_are_looked_at_while_the_library_works() -> None:
    cores = CoresTold()
    model = replace(load(gguf_model("llama-chat"), engine="llamacpp"), cores=cores)
    scheduler = Scheduler(model, Load("m", "", "text_generation"))
    scheduler.iterate()
    assert cores.told.empty()
    request = question("the small model", max_new_tokens=2000)
    scheduler.accept(request)
    scheduler.iterate()
    assert (cores.told.qsize(), cores.told.get()) == (1, "work")
    scheduler.accept(Cancel(request.id))


def test_it_is_told_when_the_library_has_nothing_left() -> None:
    rested: queue.SimpleQueue[None] = queue.SimpleQueue()
    model = load(gguf_model("llama-chat"), engine="llamacpp")
    scheduler = Scheduler(model, Load("m", "", "text_generation"), rested=lambda: rested.put(None))
    scheduler.accept(question("the small model", max_new_tokens=4))
    rested.get(timeout=20)
    assert not scheduler.serving


def _until_finished(told: queue.SimpleQueue[News]) -> list[News]:
    news = [told.get(timeout=20)]
    while not isinstance(news[-1], Finished | Broken):
        news.append(told.get(timeout=20))
    return news


def test_text_comes_piece_by_piece(llama: WorkerProcess) -> None:
    request = question("the small model", max_new_tokens=100)
    llama.send(request)
    frames = llama.receive_ends(request.id)
    deltas = [delta for up in frames if isinstance(up, Step) for delta in up.deltas]
    assert deltas[0].tokens == 1
    assert len(deltas) > 1  # and not all at the end; so small a model is quicker than text goes up
    assert [delta.tokens for delta in deltas] == sorted(delta.tokens for delta in deltas)
    assert deltas[-1].tokens == 100


def test_a_cancelled_answer_frees_its_place(start: Start) -> None:
    worker = start(gguf_model("llama-chat"), max_sequences=1)
    request, after = question("the small model", max_new_tokens=200), question("tea", max_new_tokens=5)
    worker.send(request, after)
    worker.receive_until(lambda up: isinstance(up, Step) and any(delta.tokens for delta in up.deltas))
    worker.send(Cancel(request.id))
    frames = worker.receive_ends(request.id, after.id)
    assert outcome_of(frames, request.id).finish_reason == "cancelled"
    assert outcome_of(frames, after.id).completion_tokens == 5


def test_after_a_cancel_at_most_one_step_follows_the_one_under_way(tmp_path: Path) -> None:
    write_model(tmp_path / "slow.gguf", "Q8_0", 34)  # steps so long that the library cannot be ahead of who counts them
    slots = load(tmp_path / "slow.gguf", engine="llamacpp", max_sequences=1).self_scheduling
    assert isinstance(slots, Slots)
    told: queue.SimpleQueue[News] = queue.SimpleQueue()
    slots.connect(told.put)
    for _ in range(3):
        request = question("the", max_new_tokens=300)
        slots.submit(request)
        while not isinstance(told.get(timeout=20), Delta):
            pass
        before = held(slots)
        slots.cancel(request.id)
        assert isinstance(_until_finished(told)[-1], Finished)
        time.sleep(0.5)  # in which a slot that went on would compute ten tokens
        assert held(slots) - before <= 2
        assert slots.running == 0


def held(slots: Slots) -> int:
    """Tokens in the library's only slot, read and written. The library tells between two steps."""
    return int(slots._prompts._door.slots()[0]["n_prompt_tokens"])


def test_a_request_that_waits_can_be_cancelled(start: Start) -> None:
    worker = start(gguf_model("llama-chat"), max_sequences=1)
    first, second = question("the", max_new_tokens=150), question("tea", max_new_tokens=5)
    worker.send(first, second, Cancel(second.id))
    frames = worker.receive_ends(first.id, second.id)
    assert outcome_of(frames, second.id).finish_reason == "cancelled"
    assert outcome_of(frames, second.id).completion_tokens == 0


def test_a_stop_string_ends_the_answer_and_does_not_show(llama: WorkerProcess) -> None:
    whole, _ = ask(llama, question("the small model", max_new_tokens=40))[0]
    stop = whole[10:13]
    request = question("the small model", max_new_tokens=40, stop=stop)
    text, outcome = ask(llama, request)[0]
    assert text == whole[: whole.index(stop)]
    assert outcome.finish_reason == "stop"


def test_a_prompt_over_the_context_is_an_error_that_tells_both_sizes(llama: WorkerProcess) -> None:
    fault = failure(llama, question("tea " * 400))
    assert fault.code == "context_exceeded"
    assert fault.details["context_tokens"] == facts_of(llama).context_length == 256


@pytest.mark.parametrize("messages", [False, True])
def test_a_prompt_over_the_context_is_cut_on_request(llama: WorkerProcess, messages: bool) -> None:
    long = "tea coffee " * 200
    given: dict[str, Any] = {"messages": [*CHAT, Message("user", long)]} if messages else {"prompt": long}
    _, outcome = ask(llama, question(**given, truncate=True, max_new_tokens=8))[0]
    assert outcome.prompt_tokens < 256
    assert any("dropped" in text for text in outcome.warnings)


def test_the_answer_ends_with_the_context(llama: WorkerProcess) -> None:
    _, outcome = ask(llama, question("the small model", max_new_tokens=1000))[0]
    assert outcome.prompt_tokens + outcome.completion_tokens <= 256
    assert any("lowered" in text for text in outcome.warnings)


def test_a_prompt_seen_before_is_not_computed_again(llama: WorkerProcess) -> None:
    long = "good bad rain sun " * 12
    _, first = ask(llama, question(long + "tea", max_new_tokens=2))[0]
    _, second = ask(llama, question(long + "coffee", max_new_tokens=2))[0]
    assert first.cached_tokens < 10
    assert second.cached_tokens > 0.8 * second.prompt_tokens


@pytest.mark.parametrize(("megabytes", "kept"), [(16, True), (0, False)])
def test_a_conversation_that_lost_its_place_is_kept_within_the_budget(start: Start, megabytes: int, kept: bool) -> None:
    worker = start(gguf_model("llama-chat"), max_sequences=1, prefix_cache_mb=megabytes)
    mine, others = "good bad rain sun " * 12, "tea and coffee " * 14
    ask(worker, question(mine, max_new_tokens=2))
    ask(worker, question(others, max_new_tokens=2))
    _, again = ask(worker, question(mine + "tea", max_new_tokens=2))[0]
    assert (again.cached_tokens > 0.8 * again.prompt_tokens) is kept


def test_an_empty_prompt_is_refused(llama: WorkerProcess) -> None:
    assert failure(llama, question("")).code == "invalid_request"


def test_messages_need_a_template(start: Start) -> None:
    assert failure(start(gguf_model("llama-base")), question(None, CHAT)).code == "unsupported"


def test_quantized_weights_are_told_and_answer(start: Start) -> None:
    worker = start(gguf_model("qwen2-q8"))
    assert facts_of(worker).precision == "q8_0"
    assert ask(worker, question("the small model"))[0][1].completion_tokens > 0


def test_a_context_that_memory_cuts_short_is_told(start: Start) -> None:
    worker = start(gguf_model("llama-chat"), context_length=128)
    assert facts_of(worker).context_length == 128
    assert any("128" in text for text in facts_of(worker).warnings)
    assert failure(worker, question("tea " * 130)).details["context_tokens"] == 128


def test_many_requests_wait_for_their_turn(llama: WorkerProcess) -> None:
    questions = [question(f"the {number}", max_new_tokens=20) for number in range(12)]
    assert all(outcome.completion_tokens for _, outcome in ask(llama, *questions))


def test_a_gpu_that_is_not_there_is_told_and_a_named_one_is_an_error(start: Start) -> None:
    assert any("No GPU" in text for text in facts_of(start(gguf_model("llama-chat"), device="gpu")).warnings)
    with WorkerProcess("llamacpp") as worker:
        fault = worker.load(gguf_model("llama-chat"), device="cuda:7")
    assert isinstance(fault, Failed)
    assert "cuda:7" in fault.message
