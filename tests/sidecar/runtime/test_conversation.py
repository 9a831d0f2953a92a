"""Messages, as engines take them. What is refused stands in the tests of the routes."""

from __future__ import annotations

from sidecar.runtime.conversation import checked
from sidecar.types import CalledFunction, FunctionCall, Message, TextPart
from tests.helpers.images import GIF, about


def test_parts_that_are_all_text_become_one_text() -> None:
    mixed = [Message("user", [TextPart("a"), TextPart("b")]), about("c", GIF), Message("assistant", "d")]
    assert [one.content if one.text != "c" else None for one in checked(mixed)] == ["a\nb", None, "d"]


def test_a_result_is_named_for_the_function_that_gave_it() -> None:
    calls = [FunctionCall(name, CalledFunction(name * 2, "{}")) for name in "ab"]
    results = [Message("tool", "1", tool_call_id="b"), Message("tool", "2", tool_call_id="a"), Message("tool", "3")]
    taken = checked([Message("assistant", tool_calls=calls), *results])
    assert [message.name for message in taken] == [None, "bb", "aa", None]
    assert taken[0].content == ""
