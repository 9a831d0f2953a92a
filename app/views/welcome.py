"""The first page: what this machine can do, and the models that are ready to use without a download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout

from app import operations
from app.figures import memory
from app.model_names import display_name
from app.service_state import ServiceState
from app.view import Frame, View
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.centred_column import CentredColumn
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label
from sidecar.types import ModelInfo, SystemInfo

COLUMN_WIDTH = 980
TWO_COLUMNS_FROM = 820
UNKNOWN = "–"
# What can be done with a starter model: the view that does it, its icon, the button.
USES = {"text_generation": ("chat", "message-circle", "Ask it"), "classification": ("classify", "tags", "Try it")}
SUMMARIES = {
    "starter-chat": "Answers questions about Inglenook itself",
    "starter-sentiment": "Positive, neutral or negative",
}
WORTH_NAMING = (("amx", "AMX"), ("avx512", "AVX-512"), ("avx2", "AVX2"), ("sve", "SVE"), ("neon", "NEON"))


class WelcomeView(View):
    """Shown at the first start, and from the product's name."""

    name = "welcome"
    title = "Welcome"
    icon = "info"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.facts = Facts()
        self.starters = QGridLayout()
        self.starters.setSpacing(16)
        self.cards: list[StarterCard] = []
        self._hint = Label(role="muted", size="control", wrap=True)
        self._lay_out()
        self.session.state_changed.connect(self._on_state)
        self.session.models_changed.connect(self._show_starters)
        self._on_state(self.session.state)
        self._show_starters()

    def activated(self) -> None:
        self.setFocus()  # the page, not a control: Tab leads to the first one

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(Label(self.tr("Welcome to Inglenook"), size="welcome", weight="strong"))
        column.addSpacing(8)
        promise = self.tr("Models run here, on your machine. Nothing you type leaves it.")
        column.addWidget(Label(promise, "muted", "lead", wrap=True))
        column.addSpacing(28)
        column.addWidget(self.facts)
        column.addSpacing(36)
        column.addLayout(_heading(self.tr("Ready now"), self.tr("small starter models, no download, no network")))
        column.addSpacing(12)
        column.addLayout(self.starters)
        column.addWidget(self._hint)
        column.addStretch(1)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(CentredColumn(column, COLUMN_WIDTH, (40, 56, 40, 40)))

    def _on_state(self, state: ServiceState) -> None:
        self._show_hint()
        if state.kind == "ready" and not self.facts.known:
            operations.run(self, self.session.client.system(), on_success=self.facts.show_system)

    def _show_starters(self) -> None:
        starters = [model for model in self.session.models if model.builtin and model.model_type in USES]
        if [card.model_id for card in self.cards] != [model.id for model in starters]:
            self._rebuild(starters)
        self._show_hint()

    def _rebuild(self, starters: list[ModelInfo]) -> None:
        for card in self.cards:
            self.starters.removeWidget(card)
            card.deleteLater()
        self.cards = [StarterCard(model, primary=index == 0) for index, model in enumerate(starters)]
        for card in self.cards:
            card.used.connect(self._use)
        self._place_cards()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_cards()

    def _place_cards(self) -> None:
        """Side by side where there is room, below one another where there is not."""
        columns = 1 if self.width() < TWO_COLUMNS_FROM else 2
        self.starters.setColumnStretch(1, columns - 1)
        self.starters.setColumnStretch(0, 1)
        for index, card in enumerate(self.cards):
            self.starters.addWidget(card, index // columns, index % columns)

    def hint(self) -> str:
        """Why there are no models to show; empty when there are."""
        return self._hint.text()

    def _show_hint(self) -> None:
        if self.cards:
            words = ""
        elif self.session.models_known:
            words = self.tr("This installation came without starter models.")
        else:
            words = self.tr("They are listed as soon as the service has started.")
        self._hint.setText(words)
        self._hint.setVisible(bool(words))

    def _use(self, model: ModelInfo) -> None:
        view_name = USES[model.model_type][0]
        self.frame.show_view(view_name).use_model(model.id)


class Facts(Card):
    """Processor, memory, graphics and disk, side by side."""

    def __init__(self) -> None:
        super().__init__(padding=20)
        self.known = False
        self.setAccessibleName(self.tr("This machine"))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(3)
        self.body.addLayout(self._grid)
        self._labels: dict[str, tuple[Label, Label]] = {}
        self._folder = ElidedLabel("", "muted", "small", middle=True)
        self._folder.setContentsMargins(0, 10, 0, 0)
        self._folder.hide()
        self._grid.addWidget(self._folder, 3, 0, 1, 4)
        titles = (self.tr("Processor"), self.tr("Memory"), self.tr("Graphics"), self.tr("Disk"))
        for column, (key, title) in enumerate(zip(("processor", "memory", "graphics", "disk"), titles, strict=True)):
            self._add(column, key, title)

    def show_system(self, system: SystemInfo) -> None:
        """Fill in the figures of this machine."""
        self.known = True
        self._set("processor", _cores(system.physical_cores), instruction_set(system.instruction_sets))
        free = self.tr("{0} free").format(memory(system.memory_available_mb))
        self._set("memory", memory(system.memory_total_mb), free)
        self._set("graphics", system.gpu or self.tr("None usable"), "" if system.gpu else self.tr("processor only"))
        at_home = Path(system.models_dir).is_relative_to(Path.home())
        note = self.tr("models go to your home folder") if at_home else ""
        self._set("disk", self.tr("{0} free").format(memory(system.disk_free_mb)), note)
        self._folder.setText(self.tr("Models go to {0}").format(system.models_dir))
        self._folder.setVisible(not at_home)  # a path of any length needs the whole width

    def text(self, key: str) -> str:
        """Figure and note under one heading."""
        return " ".join(label.text() for label in self._labels[key])

    def folder(self) -> str:
        """The line about the models' folder; empty when it is in the home folder, which the note under Disk says."""
        return self._folder.text() if self._folder.isVisibleTo(self) else ""

    def _add(self, column: int, key: str, title: str) -> None:
        value = ElidedLabel(UNKNOWN, weight="strong")
        note = ElidedLabel(" ", "muted", "small", middle=True)
        self._grid.addWidget(Label(title, "muted", "small"), 0, column)
        self._grid.addWidget(value, 1, column)
        self._grid.addWidget(note, 2, column)
        self._grid.setColumnStretch(column, 1)
        self._labels[key] = (value, note)

    def _set(self, key: str, value: str, note: str) -> None:
        for label, text in zip(self._labels[key], (value, note), strict=True):
            label.setText(text)


class StarterCard(Card):
    """A model that came with the application, and what to do with it.

    Signals:
        used(ModelInfo): the person wants to use it.
    """

    used = Signal(object)

    def __init__(self, model: ModelInfo, *, primary: bool) -> None:
        super().__init__(padding=20)
        self.model_id = model.id
        _view, icon, action = USES[model.model_type]
        name = display_name(model)
        self.setAccessibleName(name)
        self.button = Button(action, "primary" if primary else "secondary")
        self.button.setAccessibleDescription(name)
        self.button.clicked.connect(lambda: self.used.emit(model))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(name, weight="strong"))
        words.addWidget(Label(summary(model), "muted", "small", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(IconLabel(icon, "accent", 20))
        row.addLayout(words, 1)
        row.addWidget(self.button)
        self.body.addLayout(row)


def summary(model: ModelInfo) -> str:
    """In a few words what the model does; of one that is not known here, the first sentence of its own description."""
    return _tr(SUMMARIES.get(model.id, "")) or model.description.strip().partition(". ")[0]


def instruction_set(offered: Sequence[str]) -> str:
    """The one that matters most for speed, as its makers write it; empty when none is known."""
    names = [name.casefold().replace("-", "").replace("_", "") for name in offered]
    return next((shown for start, shown in WORTH_NAMING if any(name.startswith(start) for name in names)), "")


def _cores(count: int) -> str:
    return _tr("1 core") if count == 1 else _tr("{0} cores").format(count)


def _heading(title: str, remark: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(10)
    row.addWidget(Label(title, size="lead", weight="strong"), 0, Qt.AlignmentFlag.AlignBaseline)
    row.addWidget(Label(remark, "muted", "small"), 1, Qt.AlignmentFlag.AlignBaseline)
    return row


def _tr(text: str) -> str:
    return QCoreApplication.translate("WelcomeView", text)
