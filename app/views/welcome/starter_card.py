"""A model that came with the application, and what to do with it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from app.model_names import display_name
from app.model_uses import use_of
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label
from sidecar.types import ModelInfo

SUMMARIES = {
    "starter-chat": "Answers questions about Inglenook itself",
    "starter-sentiment": "Positive, neutral or negative",
}


class StarterCard(Card):
    """A model that came with the application, and what to do with it.

    Signals:
        used(ModelInfo): the person wants to use it.
    """

    used = Signal(object)

    def __init__(self, model: ModelInfo, *, primary: bool) -> None:
        super().__init__(padding=20)
        self.model_id = model.id
        use = use_of(model.model_type)
        name = display_name(model)
        self.setAccessibleName(name)
        self.button = Button(use.action, "primary" if primary else "secondary")
        self.button.setAccessibleDescription(name)
        self.button.clicked.connect(lambda: self.used.emit(model))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(name, weight="strong"))
        words.addWidget(Label(summary(model), "muted", "small", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(IconLabel(use.icon, "accent", 20))
        row.addLayout(words, 1)
        row.addWidget(self.button)
        self.body.addLayout(row)


def summary(model: ModelInfo) -> str:
    """In a few words what the model does; of one that is not known here, the first sentence of its own description."""
    return _tr(SUMMARIES.get(model.id, "")) or model.description.strip().partition(". ")[0]


def _tr(text: str) -> str:
    return QCoreApplication.translate("WelcomeView", text)
