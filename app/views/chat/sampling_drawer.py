"""The drawer in which a chat's sampling is set. It edits one `Values` and knows neither the chat nor the service."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QGridLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.theme import theme
from app.views.chat.parameter_row import ParameterRow
from app.views.chat.sampling import PRESETS, Values, parameters, preset_names, preset_of, with_preset
from app.widgets.button import Button
from app.widgets.drawer import Drawer
from app.widgets.hairline import Hairline
from app.widgets.label import Label
from app.widgets.segmented import Segment

STOP_HEIGHT = 62


class SamplingDrawer(Drawer):
    """Its fields are made when they are first needed: most chats never look at them.

    Signals:
        changed(dict): what is set now.
    """

    changed = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("SamplingDrawer", "Sampling"), parent)
        self._shown: tuple[Values, Mapping[str, float | None]] = ({}, {})
        self._fields: SamplingFields | None = None

    @property
    def fields(self) -> SamplingFields:
        """What stands in it."""
        if self._fields is None:
            self._fields = SamplingFields(self.body.parentWidget())
            self._fields.set_values(*self._shown)
            self._fields.changed.connect(self.changed)
            self.body.addWidget(self._fields)
        return self._fields

    def set_values(self, values: Values, defaults: Mapping[str, float | None]) -> None:
        """Show what the chat sets, and what its model would use where the chat says nothing."""
        self._shown = (values, defaults)
        if self._fields is not None:
            self._fields.set_values(values, defaults)

    def set_open(self, wanted: bool) -> None:
        if wanted:
            self.fields.show()
        super().set_open(wanted)


class SamplingFields(QWidget):
    """Presets on top, then each number with its explanation.

    Signals:
        changed(dict): what is set now.
    """

    changed = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: Values = {}
        self._defaults: Mapping[str, float | None] = {}
        self.presets = PresetChoice()
        self.rows = {parameter.key: ParameterRow(parameter) for parameter in parameters()}
        self.stop_texts = self._stop_field()
        self.truncate = QCheckBox(self.tr("Drop the oldest turns"))
        self.reset_button = Button(self.tr("Reset everything"), "ghost", "rotate-ccw")
        self._fill()
        self.presets.chosen.connect(lambda name: self._change(with_preset(self._values, name)))
        for key, row in self.rows.items():
            row.changed.connect(lambda value, key=key: self._change(_with(self._values, key, value)))
        self.stop_texts.textChanged.connect(self._on_stop_edited)
        self.truncate.clicked.connect(lambda on: self._change(_with(self._values, "truncate", True if on else None)))
        self.reset_button.clicked.connect(lambda: self._change({}))

    def set_values(self, values: Values, defaults: Mapping[str, float | None]) -> None:
        """Show what the chat sets, and what its model would use where the chat says nothing."""
        self._values, self._defaults = dict(values), defaults
        self._show()

    def values(self) -> Values:
        """What the person has set."""
        return dict(self._values)

    def _fill(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.presets)
        column.addWidget(Hairline())
        for row in self.rows.values():
            column.addWidget(row)
        column.addWidget(Label(self.tr("Stop texts"), size="control", weight="medium"))
        column.addWidget(self.stop_texts)
        explanation = self.tr("The answer ends where one of these would appear. One a line.")
        column.addWidget(Label(explanation, "muted", "small", wrap=True))
        column.addWidget(self.truncate)
        explanation = self.tr("When the chat is longer than the model can read. They stay in the chat.")
        column.addWidget(Label(explanation, "muted", "small", wrap=True))
        column.addWidget(Hairline())
        column.addWidget(self.reset_button)

    def _stop_field(self) -> QPlainTextEdit:
        field = QPlainTextEdit()
        field.setAccessibleName(self.tr("Stop texts"))
        field.setFont(theme.font("small", mono=True))
        field.setTabChangesFocus(True)
        field.setFixedHeight(STOP_HEIGHT)
        return field

    def _on_stop_edited(self) -> None:
        texts = [line for line in self.stop_texts.toPlainText().split("\n") if line]
        self._values = _with(self._values, "stop", texts or None)
        self.changed.emit(self.values())

    def _change(self, values: Values) -> None:
        self._values = values
        self._show()
        self.changed.emit(self.values())

    def _show(self) -> None:
        for key, row in self.rows.items():
            value = self._values.get(key)
            row.set_value(value if isinstance(value, int | float) else None, self._defaults.get(key))
        self.presets.show_preset(preset_of(self._values))
        stop = self._values.get("stop", [])
        text = "\n".join(stop) if isinstance(stop, list) else str(stop)
        self.stop_texts.blockSignals(True)
        if self.stop_texts.toPlainText() != text:
            self.stop_texts.setPlainText(text)
        self.stop_texts.blockSignals(False)
        self.truncate.setChecked(bool(self._values.get("truncate")))
        self.reset_button.setEnabled(bool(self._values))


class PresetChoice(QWidget):
    """The named sets as four small tabs in two rows; none is marked when the person mixed their own.

    Signals:
        chosen(str): the preset's key.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Presets"))
        self._group = QButtonGroup(self)
        self.segments = {name: Segment(label, self) for name, label in preset_names().items()}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        for place, (name, segment) in enumerate(self.segments.items()):
            self._group.addButton(segment)
            grid.addWidget(segment, place // 2, place % 2)
            segment.setSizePolicy(self.sizePolicy().Policy.Expanding, self.sizePolicy().Policy.Fixed)
            segment.clicked.connect(lambda _checked, name=name: self.chosen.emit(name))

    def show_preset(self, name: str | None) -> None:
        """Mark a preset, or none."""
        self._group.setExclusive(False)
        for key in PRESETS:
            self.segments[key].setChecked(key == name)
        self._group.setExclusive(True)


def _with(values: Values, key: str, value: float | list[str] | None) -> Values:
    rest = {name: kept for name, kept in values.items() if name != key}
    return rest if value is None else rest | {key: value}
