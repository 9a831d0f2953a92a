"""The right editor for a setting's type: a switch, a choice, a number within bounds, a text, a list.

`editor_for` makes one; each takes and gives plain values and says when the person has finished. It knows no service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QWidget

from app.theme import theme
from app.widgets.number_field import NumberField
from sidecar.types import SettingInfo

WIDTH = 220
UNBOUNDED = 1e9


class Editor(QWidget):
    """Holds one control at the right.

    Signals:
        edited(object): the person chose another value.
    """

    edited = Signal(object)

    def __init__(self, control: QWidget) -> None:
        super().__init__()
        self.control = control
        control.setFont(theme.font("control", tabular=True))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(control)
        self.setFocusProxy(control)
        self.setFixedWidth(WIDTH)

    def value(self) -> Any:
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show `value` without saying `edited`."""
        blocked = self.control.blockSignals(True)
        self.show_value(value)
        self.control.blockSignals(blocked)

    def show_value(self, value: Any) -> None:
        raise NotImplementedError

    def mark_invalid(self, invalid: bool) -> None:
        """Draw the control as wrong, or as right again."""
        self.control.setProperty("invalid", invalid)
        self.control.style().unpolish(self.control)
        self.control.style().polish(self.control)

    def _finish(self) -> None:
        self.edited.emit(self.value())


class SwitchEditor(Editor):
    def __init__(self, info: SettingInfo) -> None:
        self.box = QCheckBox()
        self.box.setFixedWidth(18)  # the indicator alone: a check box keeps room for a text
        super().__init__(self.box)
        self.box.toggled.connect(self._finish)

    def value(self) -> bool:
        return self.box.isChecked()

    def show_value(self, value: Any) -> None:
        self.box.setChecked(bool(value))


class ChoiceEditor(Editor):
    def __init__(self, info: SettingInfo) -> None:
        self.box = QComboBox()
        self.box.addItems(info.choices)
        super().__init__(self.box)
        self.box.currentIndexChanged.connect(self._finish)

    def value(self) -> str:
        return self.box.currentText()

    def show_value(self, value: Any) -> None:
        self.box.setCurrentText(str(value))


class PlainNumberField(NumberField):
    """Shows no more digits than the number has: 600 rather than 600.00."""

    def textFromValue(self, value: float) -> str:
        return f"{value:.{self.decimals()}f}".rstrip("0").rstrip(".") if self.decimals() else f"{value:.0f}"


class NumberEditor(Editor):
    def __init__(self, info: SettingInfo) -> None:
        self._whole = info.type == "int"
        minimum = -UNBOUNDED if info.minimum is None else info.minimum
        maximum = UNBOUNDED if info.maximum is None else info.maximum
        self.field = PlainNumberField(info.key, minimum, maximum, decimals=0 if self._whole else 2)
        self.field.setKeyboardTracking(False)
        self.field.setGroupSeparatorShown(False)
        super().__init__(self.field)
        self.field.setFixedWidth(120)
        self.field.valueChanged.connect(self._finish)

    def value(self) -> float:
        return int(self.field.value()) if self._whole else self.field.value()

    def show_value(self, value: Any) -> None:
        self.field.setValue(value)


class TextEditor(Editor):
    def __init__(self, info: SettingInfo) -> None:
        self.line = QLineEdit()
        super().__init__(self.line)
        self.line.setFixedWidth(WIDTH)
        self._shown: Any = None
        self.line.editingFinished.connect(self._finish_if_changed)

    def value(self) -> Any:
        return self.line.text().strip()

    def show_value(self, value: Any) -> None:
        self._shown = value
        self.line.setText(str(value))
        self.line.setCursorPosition(0)

    def _finish_if_changed(self) -> None:
        if self.value() != self._shown:
            self._shown = self.value()
            self._finish()


class ListEditor(TextEditor):
    """Several words, separated by commas."""

    def __init__(self, info: SettingInfo) -> None:
        super().__init__(info)
        self.line.setPlaceholderText(self.tr("separated by commas"))

    def value(self) -> list[str]:
        return [part.strip() for part in self.line.text().split(",") if part.strip()]

    def show_value(self, value: Any) -> None:
        self._shown = list(value)
        self.line.setText(", ".join(value))
        self.line.setCursorPosition(0)


_EDITORS: dict[str, Callable[[SettingInfo], Editor]] = {
    "bool": SwitchEditor,
    "choice": ChoiceEditor,
    "int": NumberEditor,
    "float": NumberEditor,
    "list": ListEditor,
}


def editor_for(info: SettingInfo) -> Editor:
    """An editor of the setting's type that shows its value; text for a type that a newer service may add."""
    editor = _EDITORS.get(info.type, TextEditor)(info)
    editor.control.setAccessibleName(title_of(info.key))
    editor.control.setAccessibleDescription(info.description)
    editor.set_value(info.value)
    return editor


def title_of(key: str) -> str:
    """The setting's key as words, its unit after a comma: "memory_limit_mb" → "Memory limit, MB"."""
    words = key.split("_")
    unit = {"s": ", seconds", "mb": ", MB", "days": ", days", "minutes": ", minutes"}.get(words[-1], "")
    title = " ".join(words[:-1] if unit else words).capitalize()
    return title + unit
