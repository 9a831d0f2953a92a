"""One number of the sampling drawer: its name, its value, a slider where one helps, and what it does in plain words."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from app.views.chat.sampling import Parameter
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.number_field import NumberField

FIELD_WIDTH = 92


class ParameterRow(QWidget):
    """Shows the model's default in muted digits until the person sets a value of their own.

    Signals:
        changed(object): the number set, or None after a reset.
    """

    changed = Signal(object)

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parameter = parameter
        self._default = parameter.usual
        self._value: float | None = None
        self.field = _field(parameter)
        self._slider = _slider(parameter) if parameter.slider else None
        self.reset_button = IconButton(
            "undo-2", self.tr("Use the model's default for {0}").format(parameter.label), size=24, icon_size=13
        )
        self._lay_out()
        self.field.valueChanged.connect(self._on_edited)
        self.reset_button.clicked.connect(self._on_reset)
        if self._slider is not None:
            self._slider.valueChanged.connect(lambda steps: self.field.setValue(steps * parameter.step))
        self._show()

    def set_value(self, value: float | None, default: float | None) -> None:
        """Show what the chat sets (None: nothing) and what the model would use (None: the usual)."""
        self._value = value
        self._default = self._parameter.usual if default is None else default
        self._show()

    def _lay_out(self) -> None:
        label = Label(self._parameter.label, size="control", weight="medium")
        label.setBuddy(self.field)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(label, 1)
        top.addWidget(self.reset_button)
        top.addWidget(self.field)
        policy = self.reset_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset_button.setSizePolicy(policy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(top)
        if self._slider is not None:
            column.addWidget(self._slider)
        column.addWidget(Label(self._parameter.explanation, "muted", "small", wrap=True))

    def _on_edited(self, value: float) -> None:
        if self._is_random(value):
            self._on_reset()
            return
        self._value = self._parameter.number(value)
        self._show()
        self.changed.emit(self._value)

    def _on_reset(self) -> None:
        self._value = None
        self._show()
        self.changed.emit(None)

    def _is_random(self, value: float) -> bool:
        return self._parameter.key == "seed" and value < 0

    def _show(self) -> None:
        shown = self._default if self._value is None else self._value
        if self._parameter.key == "seed" and self._value is None:
            shown = -1
        for control in (self.field, self._slider):
            if control is not None:
                control.blockSignals(True)
        self.field.setValue(shown)
        if self._slider is not None:
            self._slider.setValue(round(shown / self._parameter.step))
        for control in (self.field, self._slider):
            if control is not None:
                control.blockSignals(False)
        self.reset_button.setVisible(self._value is not None)
        self.field.setProperty("unset", self._value is None)
        self.field.style().polish(self.field)


def _field(parameter: Parameter) -> NumberField:
    lowest = -1 if parameter.key == "seed" else parameter.minimum
    field = NumberField(parameter.label, lowest, parameter.maximum, parameter.step, parameter.decimals)
    if parameter.key == "seed":
        field.setSpecialValueText(field.tr("random"))
    field.setFixedWidth(FIELD_WIDTH)
    field.setAccessibleDescription(parameter.explanation)
    return field


def _slider(parameter: Parameter) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(round(parameter.minimum / parameter.step), round(parameter.maximum / parameter.step))
    slider.setAccessibleName(parameter.label)
    slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the field beside it takes the keyboard
    return slider
