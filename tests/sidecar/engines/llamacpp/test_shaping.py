"""What shapes or explains an answer: schemas, grammars, tools, log-probabilities, and the probabilities of labels."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest

from sidecar.runtime.protocol import Decide, Decided, Failed, Finished, Generate, Generated
from sidecar.types import Message, Sampling
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import echo_model, tiny
from tests.helpers.worker import WorkerProcess, ends, text_of

from .conftest import Start

SCHEMA = {
    "type": "object",
    "properties": {"good": {"type": "boolean"}, "drink": {"enum": ["tea", "coffee"]}},
    "required": ["good", "drink"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "brew", "description": "Make a drink.", "parameters": SCHEMA}}
CHAT = [Message("user", "tea or coffee")]
_ids = itertools.count(1)


@pytest.fixture(scope="module")
def llama(start: Start) -> WorkerProcess:
    return start(gguf_model("llama-chat"), max_sequences=2)


def ask(worker: WorkerProcess, *, prompt: str | None = "the", seed: int = 1, **shaping: Any) -> tuple[str, Any]:
    """The text, and the outcome or the failure."""
    sampling = Sampling(temperature=shaping.pop("temperature", 1.0), seed=seed, max_new_tokens=200)
    messages = None if prompt is not None else CHAT
    request = Generate(next(_ids), prompt, messages, sampling, **shaping)
    worker.send(request)
    frames = worker.receive_ends(request.id)
    end = ends(frames)[request.id]
    return text_of(frames, request.id), end.outcome if isinstance(end, Finished) else end


def decide(worker: WorkerProcess, labels: list[str], prompt: str = "the small model") -> Decided | Failed:
    request = Decide(next(_ids), labels, prompt, None)
    worker.send(request)
    end = worker.receive_ends(request.id)[-1]
    assert isinstance(end, Finished | Failed)
    if isinstance(end, Failed):
        return end
    assert isinstance(end.outcome, Decided)
    return end.outcome


@pytest.mark.parametrize("seed", range(5))
def test_an_answer_under_a_schema_always_fits_it(llama: WorkerProcess, seed: int) -> None:
    text, outcome = ask(llama, seed=seed, json_schema=SCHEMA)
    assert isinstance(outcome, Generated)
    if outcome.finish_reason == "stop":
        answer = json.loads(text)
        assert isinstance(answer["good"], bool)
        assert answer["drink"] in ("tea", "coffee")
        assert set(answer) == {"good", "drink"}


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_under_a_grammar_follows_it(llama: WorkerProcess, seed: int) -> None:
    text, outcome = ask(llama, seed=seed, grammar='root ::= ("tea" | "coffee") " " [0-9] [0-9]')
    drink, _, number = text.partition(" ")
    assert drink in ("tea", "coffee")
    assert len(number) == 2
    assert number.isdecimal()
    assert outcome.finish_reason == "stop"


@pytest.mark.parametrize(
    "shaping", [{"grammar": "root ::= ("}, {"json_schema": {"type": "nonsense"}}, {"grammar": "%llguidance {}"}]
)
def test_a_broken_grammar_or_schema_is_the_callers_error(llama: WorkerProcess, shaping: dict[str, Any]) -> None:
    _, fault = ask(llama, **shaping)
    assert isinstance(fault, Failed)
    assert fault.code == "invalid_request"
    assert ask(llama, grammar='root ::= "tea"')[0] == "tea"


def test_a_schema_and_a_grammar_together_are_refused(llama: WorkerProcess) -> None:
    _, fault = ask(llama, grammar='root ::= "tea"', json_schema=SCHEMA)
    assert fault.code == "invalid_request"
    assert "json_schema and grammar" in fault.message


@pytest.mark.parametrize("seed", range(3))
def test_a_tool_call_that_must_come_has_valid_arguments(llama: WorkerProcess, seed: int) -> None:
    text, outcome = ask(llama, prompt=None, seed=seed, tools=[TOOL], tool_choice="required", temperature=0.7)
    assert isinstance(outcome, Generated), outcome
    if outcome.finish_reason != "length":
        assert outcome.finish_reason == "tool_calls"
        assert [call.name for call in outcome.tool_calls] == ["brew"]
        assert json.loads(outcome.tool_calls[0].arguments)["drink"] in ("tea", "coffee")
        assert text == ""


def test_tools_go_with_messages_only(llama: WorkerProcess) -> None:
    assert ask(llama, tools=[TOOL])[1].code == "invalid_request"


def test_log_probabilities_are_those_of_transformers(llama: WorkerProcess) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    text, outcome = ask(llama, prompt="the small model", temperature=0, logprobs=3)
    first = outcome.logprobs[0]
    model, tokenizer = (kind.from_pretrained(tiny("llama-chat")) for kind in (AutoModelForCausalLM, AutoTokenizer))
    with torch.no_grad():
        logits = model(tokenizer("the small model", return_tensors="pt").input_ids).logits[0, -1]
    best = torch.log_softmax(logits, -1).topk(3).values
    assert first.logprob == pytest.approx(float(best[0]), abs=1e-3)
    assert max(first.top.values()) == pytest.approx(float(best[0]), abs=1e-3)
    assert "".join(one.token for one in outcome.logprobs).startswith(text[:1])


def test_probabilities_of_labels_are_the_models_own(llama: WorkerProcess) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    labels = [" tea", " rain", " sun"]
    decided = decide(llama, labels)
    assert isinstance(decided, Decided)
    model, tokenizer = (kind.from_pretrained(tiny("llama-chat")) for kind in (AutoModelForCausalLM, AutoTokenizer))
    firsts = [tokenizer(label).input_ids for label in labels]
    assert len({tokens[0] for tokens in firsts}) == 3
    with torch.no_grad():
        logits = model(tokenizer("the small model", return_tensors="pt").input_ids).logits[0, -1]
    expected = torch.softmax(logits[[tokens[0] for tokens in firsts]], -1)
    assert decided.probabilities == pytest.approx(expected.tolist(), abs=1e-3)


def test_labels_that_begin_alike_are_told_apart(llama: WorkerProcess) -> None:
    decided = decide(llama, ["no", "not", "nothing", "yes"])
    assert isinstance(decided, Decided)
    assert math.isclose(sum(decided.probabilities), 1.0, abs_tol=1e-6)
    assert all(0 < probability < 1 for probability in decided.probabilities)


def test_the_same_label_twice_is_refused(llama: WorkerProcess) -> None:
    fault = decide(llama, ["yes", "yes"])
    assert isinstance(fault, Failed)
    assert fault.code == "invalid_request"


def test_an_engine_that_cannot_shape_answers_says_so(tmp_path: Path) -> None:
    with WorkerProcess("echo") as worker:
        worker.load(echo_model(tmp_path / "echo"))
        worker.send(Generate(1, "a", None, Sampling(), grammar='root ::= "a"'), Decide(2, ["a", "b"], "a", None))
        faults = [up for up in worker.receive_ends(1, 2) if isinstance(up, Failed)]
    assert [fault.code for fault in faults] == ["unsupported", "unsupported"]
    assert "grammar" in faults[0].message
