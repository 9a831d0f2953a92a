"""Text generation, compared with the transformers engine on the same models and prompts."""

from __future__ import annotations

import pytest

from sidecar.engines.comparing import answers, measures
from sidecar.runtime.protocol import Cancel, Failed, Generate, Load
from sidecar.types import Message, Sampling
from sidecar.worker.scheduler import Scheduler
from tests.helpers.models import tiny
from tests.helpers.worker import answer, drive, ends, load, run, text_of

from .conftest import Converted

PROMPTS = ["the small model", "good rain, bad sun and tea?", "coffee"]
GREEDY = Sampling(temperature=0.0, max_new_tokens=12, top_k=0, top_p=1.0, min_p=0.0, repetition_penalty=1.0)


def requests(**options: object) -> list[Generate]:
    sampling = Sampling(**{name: getattr(GREEDY, name) for name in GREEDY.__struct_fields__} | options)
    return [Generate(number, prompt, None, sampling) for number, prompt in enumerate(PROMPTS, start=1)]


@pytest.mark.parametrize(
    "name", ["llama-chat", "qwen2", "gpt2", "gpt-bigcode", "gptj", "codegen", "falcon", "falcon-alibi"]
)
def test_answers_are_those_of_the_original(name: str, converted: Converted) -> None:
    own = answer(converted(name, "text_generation"), *requests())
    reference = answer(load(tiny(name)), *requests())
    assert {key: text for key, (text, _) in own.items()} == {key: text for key, (text, _) in reference.items()}
    assert all(own[key][1].finish_reason == end.finish_reason for key, (_, end) in reference.items())


def test_a_conversation_is_answered_as_the_original_does(converted: Converted) -> None:
    asked = Generate(1, None, [Message("user", "good tea")], GREEDY)
    own, reference = answer(converted("llama-chat", "text_generation"), asked), answer(load(tiny("llama-chat")), asked)
    assert own[1][0] == reference[1][0]
    assert own[1][1].prompt_tokens == reference[1][1].prompt_tokens


@pytest.mark.parametrize("name", ["t5", "umt5", "bart", "mbart50", "pegasus"])
def test_a_text_to_text_model_generates_too(name: str, converted: Converted) -> None:
    own, reference = answer(converted(name, "text_generation"), *requests()), answer(load(tiny(name)), *requests())
    assert {key: text for key, (text, _) in own.items()} == {key: text for key, (text, _) in reference.items()}


def test_a_stop_string_ends_the_answer(converted: Converted) -> None:
    model = converted("llama-chat", "text_generation")
    whole = answer(model, *requests())[1][0]
    text, end = answer(model, *requests(stop=whole[3:6]))[1]
    assert text == whole[: whole.find(whole[3:6])]
    assert end.finish_reason == "stop"


@pytest.mark.parametrize(("options", "named"), [({"min_p": 0.5}, "min_p"), ({"temperature": 1.0, "seed": 1}, "seed")])
def test_what_the_library_cannot_do_is_refused_by_name(
    options: dict[str, object], named: str, converted: Converted
) -> None:
    end = drive(converted("gpt2", "text_generation"), *requests(**options))[1]
    assert isinstance(end, Failed)
    assert named in end.message


def test_a_prompt_beyond_the_context_is_refused_or_cut(converted: Converted) -> None:
    model = converted("gpt2", "text_generation")
    long = Generate(1, "tea " * 500, None, GREEDY)
    end = drive(model, long)[1]
    assert isinstance(end, Failed)
    assert end.code == "context_exceeded"
    _, cut = answer(model, Generate(1, "tea " * 500, None, GREEDY, truncate=True))[1]
    assert "dropped" in cut.warnings[0]


@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("llama-chat", [Message(("user", "assistant")[i % 2], f"{i} rain and sun " * 6) for i in range(21)], "oldest"),
        ("llama-chat", [Message("user", "gone " + "tea " * 500 + "tail")], "last message"),
        ("llama-chat", "gone " + "tea " * 500 + "tail", "first"),
        ("t5", "tea " * 500, "end of the prompt"),
    ],
)
def test_what_is_too_long_is_cut_as_for_the_original(
    name: str, asked: str | list[Message], told: str, converted: Converted
) -> None:
    prompt, messages = (asked, None) if isinstance(asked, str) else (None, asked)
    request = Generate(1, prompt, messages, GREEDY, truncate=True)
    own, reference = answer(converted(name, "text_generation"), request), answer(load(tiny(name)), request)
    assert own[1][0] == reference[1][0]
    assert own[1][1].prompt_tokens == reference[1][1].prompt_tokens
    assert own[1][1].warnings == reference[1][1].warnings
    assert told in own[1][1].warnings[0]


def test_both_engines_can_be_compared(converted: Converted) -> None:
    own = answers(converted("llama-chat", "text_generation"), "text_generation")
    reference = answers(load(tiny("llama-chat")), "text_generation")
    assert measures("text_generation", reference, own)["chrf"] > 90


def test_a_cancelled_answer_ends_within_a_step_though_it_is_computed_whole(
    converted: Converted, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = converted("gpt2", "text_generation")
    monkeypatch.setattr(model.pulse, "every_s", 0.0)
    scheduler = Scheduler(model, Load("test", "", "text_generation"))
    steps = 0

    def cancelled_at_the_third() -> bool:
        nonlocal steps
        steps += 1
        if steps == 3:
            scheduler.accept(Cancel(1))
        return scheduler.wanted

    scheduler.listen(cancelled_at_the_third)
    scheduler.accept(requests(max_new_tokens=40)[0])
    (end,) = ends(run(scheduler)).values()
    assert isinstance(end, Failed)
    assert end.code == "cancelled"
    assert steps == 3
    assert not scheduler.busy


def test_one_of_two_that_is_cancelled_leaves_the_other_whole(
    converted: Converted, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = converted("gpt2", "text_generation")
    monkeypatch.setattr(model.pulse, "every_s", 0.0)
    alone = answer(model, requests()[1])[2][0]
    scheduler = Scheduler(model, Load("test", "", "text_generation"))
    scheduler.listen(lambda: scheduler.accept(Cancel(1)) is None and scheduler.wanted)
    for request in requests()[:2]:
        scheduler.accept(request)
    frames = run(scheduler)
    assert ends(frames)[1].code == "cancelled"
    assert text_of(frames, 2) == alone
