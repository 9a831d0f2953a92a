"""How much of the model's context is left: estimated while one writes, true once the model has counted. Pure."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.conversations import Message
from app.views.chat.figures import Figures, estimated_tokens
from sidecar.types import ModelInfo

SCARCE = 0.1
PICTURE = 256  # tokens, as many as common models make of one


def room_words(
    model: ModelInfo | None, system_prompt: str, path: Sequence[Message], draft: str, pictures: int = 0
) -> tuple[str, bool]:
    """What to say of the room left, and whether it is scarce; nothing where the context is not known.

    `draft` and `pictures`: what is not sent yet.
    """
    context = (model.context_length or model.max_length) if model else None
    if not context:
        return "", False
    used, exact = used_tokens(system_prompt, path)
    if draft or pictures:
        used, exact = used + estimated_tokens(draft) + PICTURE * pictures, False
    free = context - used
    scarce = free < context * SCARCE
    if free < 0:
        return _tr("about {0} tokens too long").format(f"{-free:,}"), True
    words = _tr("{0} tokens free") if exact else _tr("about {0} tokens free")
    return words.format(f"{free:,}"), scarce


def used_tokens(system_prompt: str, path: Sequence[Message]) -> tuple[int, bool]:
    """Tokens of the conversation so far, and whether the model has counted them."""
    for place in range(len(path) - 1, -1, -1):
        counted = _counted(path[place])
        if counted is not None:
            since = sum(map(_estimated, path[place + 1 :]))
            return counted + since, since == 0
    estimate = sum(map(_estimated, path))
    return estimate + (estimated_tokens(system_prompt) if system_prompt else 0), not path and not system_prompt


def _estimated(message: Message) -> int:
    return estimated_tokens(message.content) + PICTURE * len(message.pictures)


def _counted(message: Message) -> int | None:
    figures = message.facts.get("figures")
    return Figures.from_dict(figures).used_tokens if isinstance(figures, dict) else None


def _tr(text: str) -> str:
    return QCoreApplication.translate("Room", text)
