"""One label of a classification with its probability, as text, bar and per cent."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.theme import theme
from app.widgets.bar import Bar
from app.widgets.elided_label import ElidedLabel
from app.widgets.label import Label


class ProbabilityRow(QWidget):
    """Label, bar and percentage; the leading label of a result is strong and in the accent colour."""

    def __init__(self, label: str, value: float, *, leading: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = ElidedLabel()
        self._bar = Bar()
        self._percent = Label(tabular=True)
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._percent.setFixedWidth(60)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 6, 0, 6)
        row.setSpacing(8)
        row.addWidget(self._label, 3)
        row.addWidget(self._bar, 4)
        row.addWidget(self._percent)
        self.set_result(label, value, leading=leading)

    def set_result(self, label: str, value: float, *, leading: bool = False) -> None:
        """Show a probability between 0 and 1."""
        percent = percent_text(value)
        self._label.setFont(theme.font("base", "strong" if leading else "normal"))
        self._label.setText(label)
        self._bar.set_value(value, "accent" if leading else "bar_muted")
        self._percent.setText(percent)
        self._percent.set_role("text" if leading else "muted")
        self.setAccessibleName(f"{label}: {percent}")


def percent_text(value: float) -> str:
    """0.943 becomes "94 %"; what is neither nothing nor everything is never rounded to it."""
    if 0 < value < 0.01:
        return "< 1 %"
    if 0.99 < value < 1:
        return "> 99 %"
    return f"{round(value * 100)} %"
