"""The card that says what came out: verdict, bars and threshold, or what is being done, or what went wrong.

It decides from what it was last shown whenever the threshold moves; nobody is asked again.
"""

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.models.result_list import Counts
from app.models.verdict import decide, in_words, step_of
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.elided_label import ElidedLabel
from app.widgets.hairline import Hairline
from app.widgets.label import Label
from app.widgets.probability_row import ProbabilityRow
from app.widgets.spinner import Spinner
from app.widgets.threshold_slider import ThresholdSlider


class ResultCard(Card):
    """Shows one of: hint, busy, error, one text's probabilities, or a list's totals.

    Signals:
        threshold_changed(float): while the slider moves.
        retry_wanted: "Try again" after an error.
    """

    threshold_changed = Signal(float)
    retry_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._shown: tuple[Mapping[str, float], bool] | None = None
        self._bars: list[ProbabilityRow] = []
        self.verdict = ElidedLabel(weight="strong")
        self.verdict.setAccessibleName(self.tr("Result"))
        self._spinner = Spinner(self.tr("Working"))
        self._aside = Label(role="muted", size="small", tabular=True)
        self._rows = QVBoxLayout()
        self.slider = ThresholdSlider(self.tr("Threshold"))
        self.slider.setToolTip(self.tr("A label less probable than this counts as “not sure”"))
        self._lay_out()
        self.slider.changed.connect(self._on_threshold)
        self.show_hint("")

    def threshold(self) -> float:
        """Where the slider stands."""
        return self.slider.value()

    def show_hint(self, text: str) -> None:
        """Say what will be seen here."""
        self._begin(self.tr("Result"))
        self._rows.addWidget(Label(text, "muted", "control", wrap=True))

    def show_busy(self, text: str) -> None:
        """Say what is being done."""
        self._begin(text)
        self._spinner.show()

    def show_error(self, title: str, text: str) -> None:
        """Say what went wrong, and offer to try again."""
        self._begin(title, role="bad_text")
        self._rows.addWidget(Label(text, "text", "control", wrap=True, selectable=True))
        again = Button(self.tr("Try again"), "secondary", "rotate-cw", compact=True)
        again.clicked.connect(self.retry_wanted)
        self._rows.addSpacing(4)
        self._rows.addWidget(again, 0, Qt.AlignmentFlag.AlignLeft)

    def show_probabilities(
        self, probabilities: Mapping[str, float], *, multi_label: bool, aside: str, warnings: tuple[str, ...] = ()
    ) -> None:
        """One text's answer; `aside` is its time or its row."""
        self._begin("", bars=len(probabilities))
        self._shown = (probabilities, multi_label)
        self._aside.setText(aside)
        for warning in warnings:
            self._rows.addWidget(Label(warning, "warning_text", "small", wrap=True))
        self._decide()

    def show_counts(self, title: str, counts: Counts, total: int) -> None:
        """A list's totals: how many rows each label has, most first; the unsure ones last."""
        ranked = sorted(counts.labels.items(), key=lambda item: item[1], reverse=True)
        ranked.append((self.tr("not sure"), counts.not_sure))
        self._begin(title, bars=len(ranked))
        self._aside.setText(self.tr("{0} texts").format(f"{total:,}"))
        for place, (bar, (label, count)) in enumerate(zip(self._bars, ranked, strict=True)):
            bar.set_result(label, count / max(1, total), leading=place == 0 and count > 0)
            bar.setToolTip(self.tr("{0} texts").format(f"{count:,}"))

    def set_compact(self, compact: bool) -> None:
        """Less air, for small windows."""
        self.body.setContentsMargins(16, 10 if compact else 16, 16, 6 if compact else 12)
        self.body.setSpacing(4 if compact else 8)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._spinner)
        head.addWidget(self.verdict, 1)
        head.addWidget(self._aside)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        self._rows.setSpacing(0)
        column.addLayout(self._rows)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        self.body.addLayout(head)
        self.body.addWidget(area, 1)
        self.body.addWidget(Hairline())
        self.body.addWidget(self.slider)
        self.set_compact(False)

    def _begin(self, title: str, role: str = "text", bars: int = 0) -> None:
        """Clear the card for something else, with this many bars at its top; bars that are there already are kept."""
        self._shown = None
        self._spinner.hide()
        self._aside.setText("")
        self.verdict.set_role(role)
        self.verdict.setText(title)
        while self._rows.count() > min(bars, len(self._bars)):
            item = self._rows.takeAt(self._rows.count() - 1)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        del self._bars[bars:]
        while len(self._bars) < bars:
            self._bars.append(ProbabilityRow("", 0.0))
            self._rows.addWidget(self._bars[-1])

    def _on_threshold(self, value: float) -> None:
        self._decide()
        self.threshold_changed.emit(value)

    def _decide(self) -> None:
        if self._shown is None:
            return
        probabilities, multi_label = self._shown
        verdict = decide(probabilities, self.threshold(), multi_label=multi_label)
        self.verdict.set_role("text" if verdict.sure else "warning_text")
        self.verdict.setText(", ".join(map(in_words, verdict.labels)) or self.tr("Not sure"))
        ranked = sorted(probabilities.items(), key=lambda item: item[1], reverse=True)
        for place, (bar, (label, value)) in enumerate(zip(self._bars, ranked, strict=True)):
            holds = step_of(value) >= step_of(self.threshold())
            bar.set_result(label, value, leading=holds and (multi_label or place == 0))
            bar.setToolTip("")
