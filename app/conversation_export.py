"""A chat as a document for people (Markdown) or for programs (JSON). Pure: takes what the store gives."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

from app.conversations import Conversation, Message
from app.pictures import Picture

FORMAT = "inglenook-conversation"
FORMAT_VERSION = 1


def to_markdown(conversation: Conversation, path: Sequence[Message], you: str = "You") -> str:
    """The branch that is shown, as Markdown with a heading for every speaker."""
    parts = [f"# {conversation.title or 'Conversation'}"]
    if conversation.system_prompt:
        parts.append(_quoted(conversation.system_prompt))
    for message in path:
        speaker = you if message.role == "user" else message.model or conversation.model or message.role
        parts += [f"## {speaker}", *(_shown(one) for one in message.pictures), message.content.strip()]
        if message.status in ("stopped", "interrupted", "error"):
            parts.append(f"*({message.status})*")
    return "\n\n".join(parts) + "\n"


def to_json(conversation: Conversation, messages: Sequence[Message]) -> str:
    """The whole tree, every branch; times in ISO 8601 (UTC)."""
    document = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "conversation": _with_dates(asdict(conversation)),
        "messages": [_with_dates(_fields(message)) for message in messages],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _fields(message: Message) -> dict[str, object]:
    """A picture's content as base64."""
    pictures = [asdict(one) | {"content": base64.b64encode(one.content).decode()} for one in message.pictures]
    return asdict(replace(message, pictures=())) | {"pictures": pictures}


def _shown(picture: Picture) -> str:
    """The picture itself, so that the file needs no other."""
    name = re.sub(r"[\[\]\\\n]", " ", picture.name)
    return f"![{name}]({picture.data_url})"


def _with_dates(fields: dict[str, object]) -> dict[str, object]:
    return {key: _iso(value) if key in ("created", "updated") else value for key, value in fields.items()}


def _iso(value: object) -> str:
    return datetime.fromtimestamp(float(str(value)), UTC).isoformat(timespec="seconds")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
