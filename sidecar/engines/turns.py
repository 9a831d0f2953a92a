"""Shortening a conversation that does not fit: whole turns go, oldest first. Knows no engine."""

from __future__ import annotations

from sidecar.types import Message


def without_oldest_turn(messages: list[Message]) -> list[Message]:
    """Drop the oldest question with all that answered it. The instructions and the last message always stay.

    A tool's result stays with its call, and both with their question: of the last one only earlier calls are dropped.
    """
    start = next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))
    last = len(messages) - 1
    end = next((index for index in range(start + 1, last) if messages[index].role == "user"), last)
    if end == last and messages[last].role == "tool":
        start, end = _oldest_call(messages, start)
    return messages[:start] + messages[max(start, end) :]


def _oldest_call(messages: list[Message], start: int) -> tuple[int, int]:
    """Where what the assistant said first begins, and what it said next; twice the same where nothing is next."""
    said = [index for index in range(start, len(messages)) if messages[index].role == "assistant"]
    return (said[0], said[1]) if len(said) > 1 else (start, start)
