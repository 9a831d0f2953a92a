"""One of a few values, each with its words."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

from app.theme import theme

Choice = tuple[Any, str]  # a value and how it is called


class ChoiceField(QComboBox):
    """Signals:
    chosen(object): the value that the person took.
    """

    chosen = Signal(object)

    def __init__(self, name: str, choices: Sequence[Choice], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFont(theme.font("control", tabular=True))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # a wheel that only passes by takes no focus
        self._values: list[Any] = []
        self.set_choices(choices)
        self.activated.connect(lambda place: self.chosen.emit(self._values[place]))

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Offer these instead; the first is shown."""
        self.clear()
        self._values = [value for value, _ in choices]
        self.addItems([words for _, words in choices])

    def value(self) -> Any:
        """The value shown."""
        return self._values[self.currentIndex()]

    def set_value(self, value: Any, words: str = "") -> None:
        """Show `value`; one that is not offered yet is, as `words`."""
        if value not in self._values:
            self._values.append(value)
            self.addItem(words or str(value))
        self.setCurrentIndex(self._values.index(value))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # scrolling past it must not change it
