"""Tools through the whole service: a question, the call that the model asks for, what it gave, and the answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sidecar.client import Client
from sidecar.errors import Unsupported
from sidecar.types import (
    CalledFunction,
    FunctionCall,
    GenerateRequest,
    GenerateResponse,
    Message,
    RegisterRequest,
    ToolCall,
)
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import tiny
from tests.helpers.service import RunningService, running_service

PARAMETERS = {
    "type": "object",
    "properties": {"drink": {"enum": ["tea", "coffee"]}},
    "required": ["drink"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "brew", "description": "Make it.", "parameters": PARAMETERS}}
QUESTION = Message("user", "tea or coffee")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("service")) as running:
        asyncio.run(_register(running))
        yield running


async def _register(running: RunningService) -> None:
    paths = {"gguf": gguf_model("llama-tools"), "torch": tiny("llama-tools")}
    async with running.client() as client:
        for name, path in paths.items():
            await client.register(RegisterRequest(name=name, model_type="text_generation", model_path=str(path)))


async def answered(client: Client, model: str, messages: list[Message], **more: Any) -> GenerateResponse:
    fields = {"messages": messages, "temperature": 0, "max_new_tokens": 100, **more}
    answer = await client.generate(model, GenerateRequest(**fields))
    assert isinstance(answer, GenerateResponse)
    return answer


async def calling(client: Client, choice: str, *messages: Message) -> GenerateResponse:
    """An answer that ends with calls: seeds differ in how soon they end."""
    for seed in range(20):
        more = {"tools": [TOOL], "tool_choice": choice, "temperature": 0.7, "seed": seed}
        answer = await answered(client, "gguf", list(messages), **more)
        if answer.finish_reason == "tool_calls":
            return answer
    pytest.fail("no call ended within its tokens")


def sent_back(calls: list[ToolCall]) -> list[Message]:
    """The assistant's turn and what its calls gave."""
    asked = [FunctionCall(call.id, CalledFunction(call.name, call.arguments)) for call in calls]
    return [Message("assistant", tool_calls=asked), *(Message("tool", "it is hot", tool_call_id=c.id) for c in calls)]


def rendered(calls: list[ToolCall], tools: list[dict[str, Any]]) -> str:
    """The prompt that the template is to make of the question, the calls and what they gave."""
    listed = "".join(json.dumps(tool) for tool in tools)
    made = [{"name": call.name, "arguments": json.loads(call.arguments)} for call in calls]
    parts = [f"<|system|><tools>{listed}</tools><|end|>" if tools else "", f"<|user|>{QUESTION.text}<|end|>"]
    if calls:
        parts += ["<|assistant|>", *(f"<tool_call>{json.dumps(call)}</tool_call>" for call in made), "<|end|>"]
        parts += ["<|tool|>brew: it is hot<|end|>" for _ in calls]
    return "".join([*parts, "<|assistant|>"])


@pytest.mark.parametrize("engine", ["gguf", "torch"])
@pytest.mark.parametrize("choice", ["required", "auto"])
async def test_what_a_call_gave_is_sent_back_and_read(choice: str, engine: str, client: Client) -> None:
    calls = (await calling(client, choice, QUESTION)).tool_calls
    assert {call.name for call in calls} == {"brew"}
    assert len({call.id for call in calls}) == len(calls)
    answer = await answered(client, engine, [QUESTION, *sent_back(calls)], max_new_tokens=8)
    same = await client.generate(engine, GenerateRequest(prompt=rendered(calls, []), temperature=0, max_new_tokens=8))
    assert isinstance(same, GenerateResponse)
    assert answer.usage.prompt_tokens == same.usage.prompt_tokens
    assert answer.generated_text == same.generated_text


async def test_tools_may_be_offered_again_with_the_result(client: Client) -> None:
    calls = (await calling(client, "required", QUESTION)).tool_calls
    answer = await calling(client, "required", QUESTION, *sent_back(calls))
    assert answer.tool_calls
    same = await client.generate("gguf", GenerateRequest(prompt=rendered(calls, [TOOL]), max_new_tokens=1))
    assert isinstance(same, GenerateResponse)
    assert answer.usage.prompt_tokens == same.usage.prompt_tokens


async def test_a_model_that_must_not_call_does_not(client: Client) -> None:
    for seed in range(5):
        answer = await answered(
            client, "gguf", [QUESTION], tools=[TOOL], tool_choice="none", temperature=0.7, seed=seed
        )
        assert (answer.tool_calls, answer.finish_reason) in [([], "stop"), ([], "length")]
        assert answer.generated_text


async def test_an_engine_that_makes_no_calls_says_so(client: Client) -> None:
    with pytest.raises(Unsupported, match="cannot do tools"):
        await answered(client, "torch", [QUESTION], tools=[TOOL])


async def test_the_oldest_calls_of_a_question_go_where_the_context_is_too_small(client: Client) -> None:
    """What is left begins with the question, and every result follows its call."""
    calls = [ToolCall("brew", '{"drink": "tea"}', f"call_{number}") for number in range(60)]
    steps = [message for call in calls for message in sent_back([call])]
    for engine in ("gguf", "torch"):
        answer = await answered(client, engine, [QUESTION, *steps], max_new_tokens=8, truncate=True)
        (warning,) = answer.warnings
        dropped = int(re.findall(r"[0-9]+", warning)[0])
        assert 0 < dropped < len(steps)
        assert dropped % 2 == 0
        kept = await answered(client, engine, [QUESTION, *steps[dropped:]], max_new_tokens=8)
        assert kept.usage.prompt_tokens == answer.usage.prompt_tokens
        assert kept.generated_text == answer.generated_text
