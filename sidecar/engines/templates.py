"""Renders a model's chat template. A template is a program that came with the model, so it runs sandboxed and against a clock."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import jinja2
import msgspec

from sidecar.errors import InvalidRequest, Unsupported
from sidecar.types import Message

TIME_LIMIT_S = 5.0
SIZE_LIMIT = 50_000_000  # characters


def has_template(tokenizer: Any) -> bool:
    return bool(getattr(tokenizer, "chat_template", None))


def render(model: str, tokenizer: Any, messages: list[Message]) -> str:
    """The prompt that asks for the next assistant message, or to go on with the last when that is the assistant's own.

    Raises Unsupported, InvalidRequest.
    """
    if not has_template(tokenizer):
        raise Unsupported(model=model, reason='it has no chat template; send "prompt" instead of "messages"')
    going_on = messages[-1].role == "assistant"
    turns = [_turn(message) for message in messages]
    try:
        with _deadline():
            text = str(
                tokenizer.apply_chat_template(
                    turns, tokenize=False, add_generation_prompt=not going_on, continue_final_message=going_on
                )
            )
    except jinja2.TemplateError as error:
        raise InvalidRequest(reason=f"the model's chat template does not take these messages ({error})") from error
    except ValueError as error:  # the library does not find the last message in what the template made of it
        raise InvalidRequest(reason="the model's chat template does not let the last message go on") from error
    except TimeoutError as error:
        raise InvalidRequest(reason=f"the model's chat template took longer than {TIME_LIMIT_S:g} s") from error
    if len(text) > SIZE_LIMIT:
        raise InvalidRequest(reason=f"the model's chat template made {len(text)} characters of these messages")
    return text


def _turn(message: Message) -> dict[str, Any]:
    """As the library's templates want it: a text, and the arguments of tool calls as a mapping."""
    turn: dict[str, Any] = msgspec.to_builtins(message) | {"content": message.text}
    for call in turn.get("tool_calls", []):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return turn


@contextmanager
def _deadline() -> Iterator[None]:
    """Raise TimeoutError from whatever Python code runs too long. Works on every platform and in any thread."""
    end = time.monotonic() + TIME_LIMIT_S
    previous = sys.gettrace()

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > end:
            raise TimeoutError
        return watch

    sys.settrace(watch)
    try:
        yield
    finally:
        sys.settrace(previous)
