"""Between a message of the store and what its widget shows. Pure."""

from typing import Any

from app.conversations import Message, Status
from app.views.chat.answer_facts import AnswerFacts, Failure, State
from app.views.chat.figures import Figures

_STATES: dict[Status, State] = {
    "done": "done",
    "partial": "interrupted",  # nobody writes it any more, else the running answer would have been asked
    "stopped": "stopped",
    "error": "failed",
    "interrupted": "interrupted",
}
_STATUSES: dict[State, Status] = {
    "done": "done",
    "length": "done",
    "stopped": "stopped",
    "failed": "error",
    "interrupted": "interrupted",
    "waiting": "partial",
    "writing": "partial",
}


def from_message(message: Message, place: tuple[int, int] = (0, 1)) -> AnswerFacts:
    """What the widget shows of a stored answer."""
    stored: dict[str, Any] = message.facts
    state: State = "length" if stored.get("finish") == "length" else _STATES[message.status]
    error = stored.get("error")
    return AnswerFacts(
        message.content,
        state,
        Figures.from_dict(stored.get("figures", {})),
        tuple(stored.get("warnings", ())),
        Failure(error["code"], error["message"], error.get("details", {})) if error else None,
        place=place,
    )


def status_of(facts: AnswerFacts) -> Status:
    """The store's word for how an answer ended."""
    return _STATUSES[facts.state]


def to_stored(facts: AnswerFacts) -> dict[str, object]:
    """What the store keeps beside text and status."""
    stored: dict[str, object] = {}
    if facts.state == "length":
        stored["finish"] = "length"
    if figures := facts.figures.to_dict():
        stored["figures"] = figures
    if facts.warnings:
        stored["warnings"] = list(facts.warnings)
    if facts.failure is not None:
        failure = facts.failure
        stored["error"] = {"code": failure.code, "message": failure.message, "details": _plain(failure.details)}
    return stored


def _plain(value: Any) -> Any:
    """What JSON can hold; anything else as its words."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
