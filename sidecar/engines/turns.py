"""Shortening a conversation that does not fit: whole turns go, oldest first. Knows no engine."""

from __future__ import annotations

from sidecar.types import Message


def without_oldest_turn(messages: list[Message]) -> list[Message]:
    """Drop the oldest question with all that answered it. The instructions and the last message always stay."""
    start = next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))
    last = len(messages) - 1
    end = next((index for index in range(start + 1, last) if messages[index].role == "user"), last)
    return messages[:start] + messages[max(start, end) :]
