"""A model's answer on its way to the terminal, for `generate` and `chat`."""

from __future__ import annotations

from contextlib import aclosing

from sidecar.cli.output import note, say
from sidecar.client import Client
from sidecar.errors import InvalidRequest
from sidecar.types import GenerateChunk, GenerateRequest, Message

CHAT_SETTING = "default_chat_model"


async def chosen_model(client: Client, name: str | None) -> str:
    """`name`, or the model that the settings name. Raises InvalidRequest when they name none."""
    chosen = name or next(str(row.value) for row in await client.settings() if row.key == CHAT_SETTING)
    if not chosen:
        raise InvalidRequest(f"Name a model with --model, or set one with 'inglenook config set {CHAT_SETTING} NAME'.")
    return chosen


async def can_chat(client: Client, model: str) -> bool:
    """Whether it has a chat template, so that a question is asked rather than continued."""
    return "chat" in (await client.model(model)).capabilities


def conversation(system: str | None) -> list[Message]:
    """The beginning of a conversation."""
    return [Message("system", system)] if system else []


async def show(client: Client, model: str, request: GenerateRequest, shown: list[str]) -> GenerateChunk:
    """Print the answer as it grows and return its last chunk; `shown` gets what was printed, however this ends."""
    last = GenerateChunk()
    async with aclosing(client.stream(model, request)) as chunks:
        async for last in chunks:
            say(last.text, end="")
            shown.append(last.text)
    say("")
    for warning in last.warnings:
        note(warning)
    return last
