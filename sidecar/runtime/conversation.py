"""Messages, before any engine sees them: every tool's result belongs to a call, and parts that are all text become one."""

from __future__ import annotations

import msgspec

from sidecar.decoding import from_json
from sidecar.errors import InvalidRequest
from sidecar.types import FunctionCall, Message


def checked(messages: list[Message]) -> list[Message]:
    """The messages as every engine takes them. Raises InvalidRequest that says which one is wrong and why."""
    called: dict[str, str] = {}  # the function's name by the call's id
    taken = []
    for number, message in enumerate(messages, 1):
        if fault := _fault(message, called):
            raise InvalidRequest(reason=f"messages, number {number}: {fault}")
        called |= {call.id: call.function.name for call in message.tool_calls}
        taken.append(_plain(message, called))
    if taken[-1].tool_calls:
        raise InvalidRequest(reason="the last message asks for tool calls: send what they gave after it")
    return taken


def _fault(message: Message, called: dict[str, str]) -> str | None:
    if message.tool_calls and message.role != "assistant":
        return "only the assistant has tool_calls"
    if message.role != "tool" and (message.tool_call_id, message.name) != (None, None):
        return "only a message of the role tool has a tool_call_id or a name"
    if message.tool_call_id is not None and message.tool_call_id not in called:
        return f"tool_call_id {message.tool_call_id!r} is of no call before it"
    if message.content is None and not message.tool_calls:
        return "content is missing"
    return next(
        (f"arguments of {call.id!r} are no JSON object" for call in message.tool_calls if not _sound(call)), None
    )


def _sound(call: FunctionCall) -> bool:
    try:
        from_json(call.function.arguments, dict)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _plain(message: Message, called: dict[str, str]) -> Message:
    """Some templates want the function's name beside its result, and clients send only the call's id."""
    name = message.name or called.get(message.tool_call_id or "")
    content = message.content if message.images else message.text
    return msgspec.structs.replace(message, content=content, name=name)
