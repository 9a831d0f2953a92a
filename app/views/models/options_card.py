"""What can be chosen for one model: engine, rounding, images, device, copies, how long it stays in memory."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.figures import duration
from app.widgets.card import Card
from app.widgets.choice_field import Choice, ChoiceField
from app.widgets.label import Label
from app.widgets.number_field import NumberField
from sidecar.types import ModelInfo

CONTROL_WIDTH = 170
MOST_COPIES = 64
LOADED_WITH = ("engine", "quantization", "use_projector", "device")
KEEP = (None, 0.0, 60.0, 300.0, 1800.0, 7200.0, -1.0)  # seconds; None as in the settings, 0 at once, below never


class OptionsCard(Card):
    """Signals:
    changed(str, object): the option's name as the service calls it, and its new value; None for the general default.
    """

    changed = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Options"), padding=20, parent=parent)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(0, 1)
        self._labels: dict[str, Label] = {}
        self.fields: dict[str, ChoiceField] = {}
        self._add("engine", self.tr("Engine"), [])
        self._add("quantization", self.tr("Weights"), [])
        self._add("use_projector", self.tr("Images"), [(True, self.tr("Are seen")), (False, self.tr("Are not taken"))])
        self._add("device", self.tr("Runs on"), self._devices())
        self._add("keep_alive", self.tr("Stays in memory"), [(value, self._kept(value)) for value in KEEP])
        self.copies = NumberField(self.tr("Copies"), 1, MOST_COPIES)
        self._place("num_workers", self.tr("Copies"), self.copies)
        self._labels["num_workers"].setToolTip(self.tr("Several copies answer at once; each takes the model's memory."))
        self.body.addLayout(self._grid)
        self._note = Label(role="muted", size="small", wrap=True)
        self.body.addWidget(self._note)
        self.copies.setKeyboardTracking(False)
        self.copies.valueChanged.connect(lambda value: self.changed.emit("num_workers", int(value)))

    def show_model(self, model: ModelInfo) -> None:
        """Show what is chosen for it now."""
        own_files = model.engine_choice == "auto" and model.engine not in ("transformers", "ctranslate2")
        self._show_engines(model)
        self.fields["quantization"].set_choices(self._roundings(model))
        self.fields["quantization"].set_value(model.quantization or "auto")
        self._show_field("quantization", shown=not own_files)
        self.fields["use_projector"].set_value(model.use_projector)
        self._show_field("use_projector", shown=model.projector is not None or not model.use_projector)
        self.fields["device"].set_value(model.device_choice)
        self.fields["keep_alive"].set_value(model.keep_alive, self._kept(model.keep_alive))
        blocked = self.copies.blockSignals(True)
        self.copies.setValue(model.num_workers)
        self.copies.blockSignals(blocked)
        for control in (*(self.fields[name] for name in LOADED_WITH), self.copies):
            control.setEnabled(model.state != "loading")  # what is being loaded has its options already
        busy = self.tr("It is answering: engine, weights, images, device and copies change at its next load.")
        self._note.setText(busy)
        self._note.setVisible(bool(model.active_requests))

    def _show_engines(self, model: ModelInfo) -> None:
        """Automatic, and those that may read its files."""
        engines = ["transformers", "ctranslate2"] if model.preparable or model.preparation else [model.engine]
        if model.engine_choice not in ("auto", *engines):
            engines.append(model.engine_choice)
        field = self.fields["engine"]
        field.set_choices([("auto", self.tr("Automatic")), *((engine, engine) for engine in engines)])
        field.set_value(model.engine_choice)

    def _add(self, option: str, title: str, choices: list[Choice]) -> None:
        field = ChoiceField(title, choices)
        field.chosen.connect(lambda value: self.changed.emit(option, value))
        self.fields[option] = field
        self._place(option, title, field)

    def _place(self, option: str, title: str, control: QWidget) -> None:
        row = self._grid.rowCount()
        label = Label(title, "muted", "small")
        label.setBuddy(control)
        control.setFixedWidth(CONTROL_WIDTH)
        self._labels[option] = label
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(control, row, 1, Qt.AlignmentFlag.AlignRight)

    def _show_field(self, option: str, *, shown: bool) -> None:
        self._labels[option].setVisible(shown)
        self.fields[option].setVisible(shown)

    def _roundings(self, model: ModelInfo) -> list[Choice]:
        """4 bits for those that write; one that cannot be rounded so far says it when it is loaded."""
        coarse = [("int4", self.tr("4 bits"))] if model.model_type == "text_generation" else []
        return [("auto", self.tr("Automatic")), ("none", self.tr("As they are")), ("int8", self.tr("8 bits")), *coarse]

    def _devices(self) -> list[Choice]:
        return [("auto", self.tr("Automatic")), ("cpu", self.tr("Processor")), ("gpu", self.tr("Graphics card"))]

    def _kept(self, seconds: Any) -> str:
        if seconds is None:
            return self.tr("As in Settings")
        if seconds < 0:
            return self.tr("Until unloaded")
        return duration(seconds) if seconds else self.tr("Only while it answers")
