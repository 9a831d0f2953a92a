"""Predicted against measured: how long it loads, what it holds, how quick it is, and what limits it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from app.views.models.forecast import Comparison, basis, comparisons, fit
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.label import Label
from app.widgets.pill import Pill
from app.widgets.spinner import Spinner
from sidecar.types import ModelInfo, PredictResponse


class ForecastCard(Card):
    """Signals:
    retry_wanted: ask the service once more.
    measure_wanted: measure this machine now.
    """

    retry_wanted = Signal()
    measure_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Predicted and measured"), padding=20, parent=parent)
        self.lines: list[Comparison] = []
        self._explains = False
        self._fit = Pill("")
        self._busy = Spinner(self.tr("Working out the prediction"), 14)
        self._table = QWidget()
        self._grid = _grid(self._table)
        self.note = Label(role="muted", size="small", wrap=True)
        self.limits = Label(role="muted", size="small", wrap=True)
        self.retry_button = Button(self.tr("Try again"), "secondary", "refresh-cw", compact=True)
        self.why_button = Button(self.tr("What limits it"), "link")
        self.measure_button = Button(self.tr("Measure this machine now"), "secondary", "gauge", compact=True)
        self._lay_out()
        self.retry_button.clicked.connect(self.retry_wanted)
        self.measure_button.clicked.connect(self.measure_wanted)
        self.why_button.clicked.connect(self._toggle_limits)
        self.clear()

    def clear(self) -> None:
        """Show nothing but that it is being worked out; of another model nothing may stay."""
        self._show_lines([])
        self._fit.hide()
        for widget in (self.note, self.limits, self.why_button, self.retry_button, self.measure_button):
            widget.hide()
        self.set_busy(busy=True)

    def set_busy(self, *, busy: bool) -> None:
        """Say that newer figures are coming; the old ones stay until then."""
        self._busy.setVisible(busy)

    def show_found(self, model: ModelInfo, found: PredictResponse, *, can_measure: bool) -> None:
        """`can_measure`: this machine was not measured yet, and that is why nothing is predicted."""
        self.set_busy(busy=False)
        text, tone, figures = fit(found.fit)
        self._fit.set_state(text, tone)
        self._fit.setToolTip(figures)
        self._fit.show()
        self._show_lines(comparisons(model, found))
        self._say(self.note, " ".join(filter(None, (found.reason, basis(found), figures))))
        self.limits.setText("\n".join(found.prediction.limits) if found.prediction else "")
        self.why_button.setVisible(bool(self.limits.text()))
        self.limits.setVisible(self._explains and bool(self.limits.text()))
        self.retry_button.hide()
        self.measure_button.setVisible(can_measure)

    def show_error(self, message: str) -> None:
        """Nothing can be said, and why."""
        self.clear()
        self.set_busy(busy=False)
        self._say(self.note, message)
        self.retry_button.show()

    def _toggle_limits(self) -> None:
        self._explains = not self._explains
        self.limits.setVisible(self._explains)

    def _show_lines(self, lines: list[Comparison]) -> None:
        if lines == self.lines and self._grid.count():
            return
        self.lines = lines
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._table.setVisible(bool(lines))
        for column, title in ((1, self.tr("Predicted")), (3, self.tr("Measured"))):
            self._grid.addWidget(Label(title, "muted", "small"), 0, column)
        for row, line in enumerate(lines, start=1):
            self._add_line(row, line)

    def _add_line(self, row: int, line: Comparison) -> None:
        measured = Label(line.measured, "text" if line.inside else "warning_text", "small", "medium", tabular=True)
        if not line.inside:
            measured.setToolTip(self.tr("Outside the range in which four of five runs should lie."))
            measured.setAccessibleDescription(measured.toolTip())
        self._grid.addWidget(Label(line.title, "muted", "small"), row, 0)
        self._grid.addWidget(Label(line.predicted, size="small", weight="medium", tabular=True), row, 1)
        self._grid.addWidget(Label(line.interval, "muted", "small", tabular=True), row, 2)
        self._grid.addWidget(measured, row, 3)

    def _say(self, label: Label, words: str) -> None:
        label.setText(words)
        label.setVisible(bool(words))

    def _lay_out(self) -> None:
        self.header.addWidget(self._busy)
        self.header.addWidget(self._fit)
        self.body.addSpacing(4)
        self.body.addWidget(self._table)
        self.body.addWidget(self.note)
        buttons = QHBoxLayout()
        buttons.addWidget(self.why_button)
        buttons.addWidget(self.retry_button)
        buttons.addWidget(self.measure_button)
        buttons.addStretch(1)
        self.body.addLayout(buttons)
        self.body.addWidget(self.limits)


def _grid(parent: QWidget) -> QGridLayout:
    grid = QGridLayout(parent)
    grid.setContentsMargins(0, 0, 0, 4)
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(7)
    grid.setColumnStretch(2, 1)
    grid.setAlignment(Qt.AlignmentFlag.AlignTop)
    return grid
