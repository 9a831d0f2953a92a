"""Prompts: the context's limit, what is cut when that is allowed, and templates that misbehave."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from sidecar.engines import templates
from sidecar.engines.base import Model, Prompt
from sidecar.engines.turns import without_oldest_turn
from sidecar.errors import ContextExceeded, InvalidRequest, Unsupported
from sidecar.runtime.protocol import Generate
from sidecar.types import Message, Sampling
from tests.helpers.models import tiny
from tests.helpers.worker import load

LONG = "the small model reads every word " * 60
CONTEXT = 256


@pytest.fixture(scope="module")
def llama() -> Model:
    return load(tiny("llama-chat"))


def prepare(model: Model, request: Generate) -> Prompt:
    assert model.generator
    return model.generator.prepare(request)


def text_of(prompt: Prompt) -> str:
    return str(AutoTokenizer.from_pretrained(tiny("llama-chat")).decode(prompt.token_ids))


def test_a_prompt_longer_than_the_context_is_refused_with_numbers(llama: Model) -> None:
    with pytest.raises(ContextExceeded) as caught:
        prepare(llama, Generate(1, LONG, None, Sampling()))
    assert caught.value.details["prompt_tokens"] > caught.value.details["context_tokens"] == CONTEXT


def test_a_truncated_prompt_keeps_its_end_and_says_so(llama: Model) -> None:
    prompt = prepare(llama, Generate(1, "gone " + LONG + "tail", None, Sampling(max_new_tokens=20), truncate=True))
    assert len(prompt.token_ids) == CONTEXT - 20
    assert text_of(prompt).endswith("tail")
    assert "dropped" in prompt.warnings[0]


def test_a_prompt_that_fits_is_not_truncated(llama: Model) -> None:
    assert prepare(llama, Generate(1, "good rain", None, Sampling(), truncate=True)).warnings == []


def test_a_truncated_chat_drops_its_oldest_turns_and_keeps_the_instructions() -> None:
    model = load(tiny("llama-strict"))
    turns = [Message(("user", "assistant")[i % 2], f"{i} " + "rain and sun " * 4) for i in range(21)]
    prompt = prepare(model, Generate(1, None, turns, Sampling(max_new_tokens=30), truncate=True))
    text = text_of(prompt)
    assert text.startswith("<|user|>")
    assert "20 rain" in text
    assert "<|user|>0 rain" not in text
    assert prompt.warnings[0].startswith("The oldest ")
    assert len(prompt.token_ids) <= CONTEXT - 30


def test_a_single_message_that_is_too_long_loses_its_beginning(llama: Model) -> None:
    messages = [Message("system", "be brief"), Message("user", "gone " + LONG + "tail")]
    prompt = prepare(llama, Generate(1, None, messages, Sampling(max_new_tokens=10), truncate=True))
    text = text_of(prompt)
    assert text.startswith("<|system|>be brief<|end|><|user|>")
    assert text.endswith("tail<|end|><|assistant|>")
    assert len(prompt.token_ids) <= CONTEXT - 10
    assert "beginning of the last message" in prompt.warnings[0]


def test_instructions_that_fill_the_context_are_refused_even_with_truncate(llama: Model) -> None:
    messages = [Message("system", LONG), Message("user", "good?")]
    with pytest.raises(ContextExceeded):
        prepare(llama, Generate(1, None, messages, Sampling(), truncate=True))


def test_dropping_a_turn_takes_the_answers_with_the_question() -> None:
    roles = ["system", "user", "assistant", "tool", "assistant", "user"]
    messages = [Message(role, role) for role in roles]  # type: ignore[arg-type]
    assert [message.role for message in without_oldest_turn(messages)] == ["system", "user"]
    assert without_oldest_turn(messages[-1:]) == messages[-1:]


def test_of_the_last_question_only_calls_before_the_last_are_dropped_each_with_its_result() -> None:
    roles = ["system", "user", "assistant", "user", "assistant", "tool", "tool", "assistant", "tool"]
    messages = [Message(role, str(place)) for place, role in enumerate(roles)]  # type: ignore[arg-type]
    once = without_oldest_turn(messages)
    assert [message.text for message in once] == ["0", "3", "4", "5", "6", "7", "8"]
    twice = without_oldest_turn(once)
    assert [message.text for message in twice] == ["0", "3", "7", "8"]
    assert without_oldest_turn(twice) == twice


def test_more_tokens_than_there_is_room_for_are_lowered_with_a_warning(llama: Model) -> None:
    prompt = prepare(llama, Generate(1, "good", None, Sampling(max_new_tokens=5000)))
    assert prompt.limit == CONTEXT - len(prompt.token_ids)
    assert "5000" in prompt.warnings[0]


def test_a_max_length_that_the_prompt_alone_exceeds_is_refused(llama: Model) -> None:
    with pytest.raises(InvalidRequest, match="max_length"):
        prepare(llama, Generate(1, "the small model reads every word", None, Sampling(max_length=3)))


def test_an_encoder_decoder_cuts_the_end_of_its_prompt() -> None:
    model = load(tiny("t5"))
    with pytest.raises(ContextExceeded):
        prepare(model, Generate(1, LONG, None, Sampling()))
    prompt = prepare(model, Generate(1, LONG, None, Sampling(), truncate=True))
    assert len(prompt.token_ids) == 64
    assert "end of the prompt" in prompt.warnings[0]


def test_a_chat_that_ends_with_the_assistants_words_goes_on_after_them(llama: Model) -> None:
    begun = [Message("user", "one"), Message("assistant", "the answer is")]
    assert text_of(prepare(llama, Generate(1, None, begun, Sampling()))).endswith("the answer is")


def test_messages_to_a_model_without_a_template_are_unsupported() -> None:
    with pytest.raises(Unsupported, match="chat template"):
        prepare(load(tiny("llama-base")), Generate(1, None, [Message("user", "hi")], Sampling()))


def test_a_template_that_refuses_the_messages_is_the_requests_fault() -> None:
    messages = [Message("user", "one"), Message("user", "two")]
    with pytest.raises(InvalidRequest, match="roles must alternate"):
        prepare(load(tiny("llama-strict")), Generate(1, None, messages, Sampling()))


def with_template(template: str) -> Model:
    model = load(tiny("llama-base"))
    model.generator.prepare.__self__._tokenizer.chat_template = template  # type: ignore[union-attr]
    return model


def test_a_template_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "TIME_LIMIT_S", 0.3)
    loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(InvalidRequest, match="longer than"):
        prepare(with_template(loops), Generate(1, None, [Message("user", "hi")], Sampling()))


def test_a_template_cannot_reach_python(tmp_path: Path) -> None:
    escape = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(InvalidRequest, match="template"):
        prepare(with_template(escape), Generate(1, None, [Message("user", "hi")], Sampling()))


def test_a_template_that_swells_a_prompt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "SIZE_LIMIT", 10_000)
    with pytest.raises(InvalidRequest, match="characters"):
        prepare(with_template("{{ 'x' * 20000 }}"), Generate(1, None, [Message("user", "hi")], Sampling()))


def test_an_empty_prompt_begins_with_the_token_that_begins_texts(llama: Model) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny("llama-chat"))
    assert prepare(llama, Generate(1, "", None, Sampling())).token_ids == [tokenizer.bos_token_id]
