"""What is being imported or exported, and what failed: a line each with its progress and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.transfer_words import figures, title
from app.widgets.bar import Bar
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from sidecar.types import JobInfo

MOST = 3  # lines; the models below need room, too
MOST_FAILED = 2


class TransfersCard(Card):
    """Hidden while there is nothing to tell.

    Signals:
        cancel_wanted(str): stop this job.
        again_wanted(JobInfo): begin anew what failed.
        dismissed(str): it has been read.
    """

    cancel_wanted = Signal(str)
    again_wanted = Signal(object)
    dismissed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(padding=16, parent=parent)
        self.setAccessibleName(self.tr("Imports and exports"))
        self.body.setSpacing(12)
        self.lines: list[TransferLine] = []
        self.more = Label(role="muted", size="small")
        self.body.addWidget(self.more)
        self.hide()

    def show_jobs(self, running: Sequence[JobInfo], failed: Sequence[JobInfo]) -> None:
        """The first that run, and the latest that failed."""
        bad = list(failed)[-MOST_FAILED:]
        shown = [*bad, *list(running)[: MOST - len(bad)]]
        while len(self.lines) < len(shown):
            self._add_line()
        for number, line in enumerate(self.lines):
            line.setVisible(number < len(shown))
            if number < len(shown):
                line.show_job(shown[number])
        waiting = len(running) + len(bad) - len(shown)
        self.more.setText(self.tr("{0} more wait for their turn").format(waiting))
        self.more.setVisible(waiting > 0)
        self.setVisible(bool(shown))

    def _add_line(self) -> None:
        line = TransferLine(self)
        self.lines.append(line)
        self.body.insertWidget(len(self.lines) - 1, line)
        line.cancel_wanted.connect(self.cancel_wanted)
        line.again_wanted.connect(self.again_wanted)
        line.dismissed.connect(self.dismissed)


class TransferLine(QWidget):
    """One import or export. Signals: those of the card."""

    cancel_wanted = Signal(str)
    again_wanted = Signal(object)
    dismissed = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._job: JobInfo | None = None
        self._title = ElidedLabel(size="control", weight="medium", middle=True)
        self.figures = Label(role="muted", size="small", tabular=True, wrap=True, selectable=True)
        self.bar = Bar()
        self.bar.setAccessibleName(self.tr("Progress"))
        self.again_button = Button(self.tr("Import again…"), "secondary", "rotate-cw", compact=True)
        self.cancel_button = IconButton("x", self.tr("Cancel"), size=28, icon_size=14)
        self._lay_out()
        self.again_button.clicked.connect(lambda: self.again_wanted.emit(self._job))
        self.cancel_button.clicked.connect(self._on_cross)

    def show_job(self, job: JobInfo) -> None:
        """Show how it stands."""
        self._job = job
        failed = job.state == "failed"
        self._title.setText(title(job))
        self.setAccessibleName(title(job))
        self.figures.setText(figures(job))
        self.figures.set_role("bad_text" if failed else "muted")
        self.bar.setVisible(not failed)
        self.bar.set_value(job.progress, "faint" if job.state == "queued" else "accent")
        self.again_button.setVisible(failed)
        self.again_button.setText(self.tr("Export again…") if job.kind == "export" else self.tr("Import again…"))
        self.cancel_button.set_name(self.tr("Close") if failed else self.tr("Cancel"))

    def _on_cross(self) -> None:
        if self._job is not None:
            (self.dismissed if self._job.state == "failed" else self.cancel_wanted).emit(self._job.id)

    def _lay_out(self) -> None:
        above = QHBoxLayout()
        above.setSpacing(8)
        above.addWidget(self._title, 1)
        above.addWidget(self.cancel_button)
        below = QHBoxLayout()
        below.addWidget(self.again_button)
        below.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(above)
        column.addWidget(self.bar)
        column.addWidget(self.figures)
        column.addLayout(below)
