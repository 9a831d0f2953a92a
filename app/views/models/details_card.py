"""What a model is, whether it is in memory, and what to do with it now."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.figures import ago, memory
from app.model_names import display_name, how_it_runs
from app.model_uses import has_view, use_of
from app.model_words import parameters, size, standing, task, usable
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.fact_list import FactList
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.pill import Pill
from app.widgets.spinner import Spinner
from sidecar.types import JobInfo, ModelInfo


class DetailsCard(Card):
    """Signals:
    load_wanted, unload_wanted, use_wanted, folder_wanted, delete_wanted: the buttons.
    pin_wanted(bool): keep it in memory, or no longer.
    """

    load_wanted = Signal()
    unload_wanted = Signal()
    use_wanted = Signal()
    folder_wanted = Signal()
    delete_wanted = Signal()
    pin_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(padding=20, parent=parent)
        self._name = Label(size="title", weight="strong", wrap=True)
        self._standing = Pill("")
        self._description = Label(role="muted", size="control", wrap=True)
        self.facts = FactList()
        self.load_button = Button(self.tr("Load"), "primary", "memory-stick")
        self.unload_button = Button(self.tr("Unload"), "secondary", "log-out")
        self.use_button = Button("", "secondary")
        self.pin_button = IconButton("pin", "", framed=True)
        self.folder_button = IconButton("folder-open", self.tr("Show its folder"), framed=True)
        self.delete_button = IconButton("trash-2", self.tr("Delete it"), framed=True)
        self._busy = Spinner(self.tr("Loading the model"), 18)
        self._pinned = False
        self._lay_out()
        self.load_button.clicked.connect(self.load_wanted)
        self.unload_button.clicked.connect(self.unload_wanted)
        self.use_button.clicked.connect(self.use_wanted)
        self.folder_button.clicked.connect(self.folder_wanted)
        self.delete_button.clicked.connect(self.delete_wanted)
        self.pin_button.clicked.connect(lambda: self.pin_wanted.emit(not self._pinned))

    def show_model(self, model: ModelInfo, job: JobInfo | None) -> None:
        """Show what is known now."""
        name = display_name(model)
        self.setAccessibleName(name)
        self._name.setText(name)
        state = standing(model, job)
        self._standing.set_state(state.text, state.tone)
        self._description.setText(model.description.strip())
        self._description.setVisible(bool(model.description.strip()))
        self._show_facts(model)
        self._show_actions(model)

    def _show_facts(self, model: ModelInfo) -> None:
        facts = {
            self.tr("Task"): task(model.model_type),
            self.tr("Size"): " · ".join(filter(None, (size(model.size_mb), self._parameters(model)))),
            self.tr("Runs with"): how_it_runs(model),
            self.tr("Why"): model.engine_reason[:1].upper() + model.engine_reason[1:],
            self.tr("Context"): self._context(model),
            self.tr("Sees with"): model.projector or "",
            self.tr("Labels"): ", ".join(model.labels[:12]) + ("…" if len(model.labels) > 12 else ""),
            self.tr("Languages"): ", ".join(model.languages[:12]) + ("…" if len(model.languages) > 12 else ""),
            self.tr("In memory"): self._in_memory(model),
            self.tr("Last used"): ago(model.last_used_at) if model.last_used_at else "",
        }
        for title, value in facts.items():
            self.facts.set(title, value)

    def _show_actions(self, model: ModelInfo) -> None:
        loading, works = model.state == "loading", usable(model)
        self.load_button.setVisible(not model.is_loaded and not loading)
        self.load_button.setEnabled(works)
        self.unload_button.setVisible(model.is_loaded)
        self.unload_button.setEnabled(not model.active_requests)
        self.unload_button.setToolTip(self.tr("It is answering.") if model.active_requests else "")
        self._busy.setVisible(loading)
        use = use_of(model.model_type)
        self.use_button.setVisible(has_view(model.model_type) and works)
        self.use_button.setText(use.action)
        self.use_button.set_icon(use.icon)
        self.delete_button.setVisible(not model.builtin)
        self.delete_button.setEnabled(not model.active_requests)
        self._pinned = model.pinned
        self.pin_button.set_icon("pin-off" if model.pinned else "pin", "accent_text" if model.pinned else "muted")
        self.pin_button.set_name(
            self.tr("Unpin: it may leave memory again")
            if model.pinned
            else self.tr("Pin: once loaded it stays in memory")
        )

    def _parameters(self, model: ModelInfo) -> str:
        count = parameters(model.parameters_count)
        return self.tr("{0} parameters").format(count) if count else ""

    def _context(self, model: ModelInfo) -> str:
        return self.tr("{0} tokens").format(f"{model.context_length:,}") if model.context_length else ""

    def _in_memory(self, model: ModelInfo) -> str:
        """How much, as how many copies, on what."""
        if not model.is_loaded:
            return ""
        copies = self.tr("{0} copies").format(model.num_workers) if model.num_workers > 1 else ""
        return " · ".join(filter(None, (memory(model.memory_usage_mb or 0), copies, model.device)))

    def _lay_out(self) -> None:
        self.header.addWidget(self._name, 1)
        self.header.addWidget(self._standing)
        self.body.addLayout(self.header)
        self.body.addWidget(self._description)
        self.body.addSpacing(4)
        self.body.addWidget(self.facts)
        self.body.addSpacing(8)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for widget in (self._busy, self.load_button, self.unload_button, self.use_button):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        buttons.addWidget(self.pin_button)
        buttons.addWidget(self.folder_button)
        buttons.addWidget(self.delete_button)
        self.body.addLayout(buttons)
