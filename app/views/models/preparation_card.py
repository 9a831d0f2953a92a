"""Converting a model for the quicker engine: what became of it, and the conversion itself with progress and cancel."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.views.models.forecast import prepared
from app.widgets.bar import Bar
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.label import Label
from app.widgets.pill import Pill
from sidecar.types import JobInfo, ModelInfo

RUNNING = ("queued", "running")


class PreparationCard(Card):
    """Signals:
    prepare_wanted, cancel_wanted: the buttons.
    """

    prepare_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Quicker engine"), padding=20, parent=parent)
        self._result = Pill("")
        self.words = Label(role="muted", size="small", wrap=True)
        self._bar = Bar()
        self._bar.setAccessibleName(self.tr("Progress of preparing"))
        self.button = Button(self.tr("Prepare"), "secondary", "gauge", compact=True)
        self.cancel_button = Button(self.tr("Cancel"), "secondary", "x", compact=True)
        self.header.addWidget(self._result)
        self.body.addWidget(self.words)
        self.body.addWidget(self._bar)
        buttons = QHBoxLayout()
        buttons.addWidget(self.button)
        buttons.addWidget(self.cancel_button)
        buttons.addStretch(1)
        self.body.addLayout(buttons)
        self.button.clicked.connect(self.prepare_wanted)
        self.cancel_button.clicked.connect(self.cancel_wanted)

    def show_model(self, model: ModelInfo, job: JobInfo | None) -> None:
        """`job` is the latest of this model, running or ended; None when there was none."""
        running = job is not None and job.state in RUNNING
        self.setVisible(model.preparable or model.preparation is not None)
        self._bar.setVisible(running)
        self._show_button(running=running, preparable=model.preparable)
        if job is not None and running:
            self._show_progress(job)
        elif job is not None and job.state == "failed":
            self._show_words(job.message, "bad_text", self.tr("Try again"))
        elif model.preparation is not None and model.preparation.passed:
            self._show_words(prepared(model.preparation), "muted", self.tr("Prepare again"))
        else:
            self._show_words(self._offer(model), "muted", self.tr("Prepare"))
        self._show_result(model, running=running)

    def _show_button(self, *, running: bool, preparable: bool) -> None:
        """One takes the other's place, and its focus: Qt would give that to an option below."""
        leaving, arriving = (self.button, self.cancel_button) if running else (self.cancel_button, self.button)
        arriving.setVisible(running or preparable)
        if leaving.hasFocus() and not arriving.isHidden():
            arriving.setFocus()
        leaving.hide()

    def _offer(self, model: ModelInfo) -> str:
        if model.preparation is not None:
            return self.tr("It was converted, but did not agree with the original: {0}.").format(
                model.preparation.reason
            )
        words = self.tr(
            "Converted once for CTranslate2, it takes less memory and is mostly quicker on a processor. It is compared"
            " with the original, and used only where the answers agree."
        )
        if model.model_type == "text_generation":
            words += " " + self.tr("Chats stay with the present engine, unless the option Engine says otherwise.")
        return words

    def _show_progress(self, job: JobInfo) -> None:
        self._bar.set_value(job.progress)
        waits = self.tr("waiting for another model's turn")
        stage = waits if job.state == "queued" else job.stage or self.tr("starting")
        self._show_words(f"{round(100 * job.progress)} % · {stage}", "muted", self.tr("Prepare"))

    def _show_words(self, words: str, role: str, action: str) -> None:
        self.words.setText(words)
        self.words.set_role(role)
        self.button.setText(action)

    def _show_result(self, model: ModelInfo, *, running: bool) -> None:
        preparation = model.preparation
        self._result.setVisible(preparation is not None and not running)
        if preparation is not None:
            passed = preparation.passed
            self._result.set_state(self.tr("prepared") if passed else self.tr("refused"), "ok" if passed else "warning")
