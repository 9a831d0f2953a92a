"""Where in the window a model is used: the view that works with its task, and the words that lead there. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication


@dataclass(frozen=True)
class Use:
    """`view`: the name of the view; `action`: what a button that leads there says; `place`: how the view is called."""

    view: str
    icon: str
    action: str
    place: str


def use_of(model_type: str) -> Use:
    """What can be done with a model here; its page where no view works with its task."""
    uses = {
        "text_generation": Use("chat", "message-circle", _tr("Ask it"), _tr("Open in Chat")),
        "classification": Use("classify", "tag", _tr("Try it"), _tr("Open in Classify")),
    }
    return uses.get(model_type) or Use("models", "boxes", _tr("Show it"), _tr("Show in Models"))


def has_view(model_type: str) -> bool:
    """Whether a view works with models of that task."""
    return use_of(model_type).view != "models"


def _tr(text: str) -> str:
    return QCoreApplication.translate("ModelUses", text)
