"""The head of a list: its name and size, how far it is and how fast, and the buttons that steer the run."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.figures import time_left
from app.models.batch import BatchRunner
from app.models.result_list import Counts, TextList
from app.theme import theme
from app.widgets.bar import Bar
from app.widgets.button import Button
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_button import IconButton

HEIGHT = 54
MAX_BAR = 280


class ProgressLine(QWidget):
    """Shows a BatchRunner.

    Signals:
        start_wanted, pause_wanted, resume_wanted, cancel_wanted, retry_wanted, close_wanted: the buttons.
    """

    start_wanted = Signal()
    pause_wanted = Signal()
    resume_wanted = Signal()
    cancel_wanted = Signal()
    retry_wanted = Signal()
    close_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT)
        self._name = ElidedLabel(weight="strong", middle=True)
        self._facts = ElidedLabel(role="muted")
        self._bar = Bar()
        self._bar.setMaximumWidth(MAX_BAR)
        self._figures = ElidedLabel(role="muted", size="small")
        self._figures.setFont(theme.font("small", tabular=True))
        self.start = Button(self.tr("Classify"), "primary", "sparkles")
        self.retry = Button(self.tr("Retry failed"), "secondary", "rotate-cw")
        self.pause = Button(self.tr("Pause"), "secondary", "pause")
        self.resume = Button(self.tr("Resume"), "primary", "play")
        self.cancel = Button(self.tr("Cancel"), "ghost")
        self.close_list = IconButton("x", self.tr("Close the list"))
        self._lay_out()
        self.start.clicked.connect(self.start_wanted)
        self.retry.clicked.connect(self.retry_wanted)
        self.pause.clicked.connect(self.pause_wanted)
        self.resume.clicked.connect(self.resume_wanted)
        self.cancel.clicked.connect(self.cancel_wanted)
        self.close_list.clicked.connect(self.close_wanted)

    def show_source(self, source: TextList) -> None:
        """Say which list it is."""
        facts = [self.tr("{0} rows").format(f"{len(source.texts):,}") if len(source.texts) != 1 else self.tr("1 row")]
        if source.column:
            facts.append(self.tr("column “{0}”").format(source.column))
        self._name.setText(source.name)
        self._facts.setText(" · ".join([*facts, *source.notes]))

    def show_run(self, runner: BatchRunner, counts: Counts, start_words: str) -> None:
        """Say how far it is; `start_words` is what the start button would do, empty where nothing is left to do."""
        total, done = len(runner.results), len(runner.results) - counts.waiting
        active = runner.state in ("running", "waiting", "paused")
        begun = done > 0
        self._bar.set_value(done / max(1, total), "faint" if runner.state == "paused" else "accent")
        unfinished = active or (begun and counts.waiting > 0)
        self._bar.setVisible(unfinished)
        self._facts.setVisible(not unfinished)
        self._figures.setText(self._figures_of(runner, done, counts))
        self._figures.setVisible(bool(self._figures.text()))
        self.start.setText(start_words)
        self.start.setVisible(bool(start_words) and not active)
        self.retry.setVisible(counts.failed > 0 and not active)
        self.pause.setVisible(runner.state in ("running", "waiting"))
        self.resume.setVisible(runner.state == "paused")
        self.cancel.setVisible(active)
        self.close_list.setVisible(not active)

    def _figures_of(self, runner: BatchRunner, done: int, counts: Counts) -> str:
        parts = []
        if done and (counts.waiting or runner.state == "running"):
            parts.append(self.tr("{0} of {1}").format(f"{done:,}", f"{len(runner.results):,}"))
        if counts.failed:
            parts.append(self.tr("{0} failed").format(f"{counts.failed:,}"))
        if counts.cut:
            words = self.tr("1 text was cut") if counts.cut == 1 else self.tr("{0} texts were cut")
            parts.append(words.format(f"{counts.cut:,}"))
        if runner.state == "waiting":
            parts.append(self.tr("waiting for the service"))
        elif runner.state == "paused":
            parts.append(self.tr("paused"))
        elif runner.state == "running" and not done:
            parts.append(self.tr("beginning"))
        elif runner.state == "running" and runner.rate:
            parts.append(self.tr("{0} texts/s").format(_rate_words(runner.rate)))
            parts.append(self.tr("{0} left").format(time_left(runner.seconds_left or 0)))
        return " · ".join(parts)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(12)
        row.addWidget(self._name)
        row.addWidget(self._facts)
        row.addWidget(self._bar, 1)
        row.addWidget(self._figures)
        row.addStretch(0)
        for button in (self.retry, self.start, self.pause, self.resume, self.cancel):
            button.hide()  # each shows when it can be used; a hidden card would else ask for room for all of them
            row.addWidget(button)
        row.addWidget(self.close_list)


def _rate_words(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
