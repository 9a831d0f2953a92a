"""A slider for a number between 0 and 1, with its label and its value beside it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from app.widgets.label import Label

STEPS = 100


class ThresholdSlider(QWidget):
    """A labelled slider from 0.00 to 1.00 in steps of 0.01.

    Signals:
        changed(float): the value, while it is being moved.
    """

    changed = Signal(float)

    def __init__(self, label: str, value: float = 0.5, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, STEPS)
        self._slider.setPageStep(10)
        self._slider.setAccessibleName(label)
        self._shown = Label(role="muted", size="small", tabular=True)
        caption = Label(label, "muted", "small")
        caption.setBuddy(self._slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(caption)
        row.addWidget(self._slider, 1)
        row.addWidget(self._shown)
        self.setFocusProxy(self._slider)
        self._slider.valueChanged.connect(self._on_moved)
        self.set_value(value)
        self._show()

    def value(self) -> float:
        """The threshold, 0 to 1."""
        return self._slider.value() / STEPS

    def set_value(self, value: float) -> None:
        """Move the slider; emits `changed` when that changes the value."""
        self._slider.setValue(round(value * STEPS))

    def _on_moved(self) -> None:
        self._show()
        self.changed.emit(self.value())

    def _show(self) -> None:
        self._shown.setText(f"{self.value():.2f}")
