"""Everything an answer's widget shows, as one value. Pure."""

from dataclasses import dataclass, field
from typing import Any, Literal

from PySide6.QtCore import QCoreApplication

from app.views.chat.figures import Figures

State = Literal["waiting", "writing", "done", "length", "stopped", "interrupted", "failed"]


@dataclass(frozen=True)
class Failure:
    """An error as it came over the wire."""

    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AnswerFacts:
    """`waiting_for` says what is being waited for before the first word; `place` is the version shown and their count."""

    text: str
    state: State
    figures: Figures = field(default_factory=Figures)
    warnings: tuple[str, ...] = ()
    failure: Failure | None = None
    waiting_for: str = ""
    place: tuple[int, int] = (0, 1)

    @property
    def running(self) -> bool:
        """Whether more text may come."""
        return self.state in ("waiting", "writing")

    @property
    def can_continue(self) -> bool:
        """Whether the model could go on where the text ends."""
        return bool(self.text) and self.state in ("length", "stopped", "interrupted", "failed")


def note(facts: AnswerFacts) -> str:
    """Why the answer ends where it does, when that is not the model's own end."""
    if facts.state == "length":
        return _tr("The answer reached its longest length.")
    if facts.state == "stopped":
        return _tr("You stopped this answer.")
    if facts.state == "interrupted":
        return _tr("Interrupted: Inglenook ended while this was being written.")
    return ""


def _tr(text: str) -> str:
    return QCoreApplication.translate("AnswerFacts", text)
