"""The disk with the models folder: where it is, how full it is, and moving it elsewhere."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.figures import file_size
from app.theme import theme
from app.views.storage.space_bar import SpaceBar, shares
from app.widgets.bar import Bar
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.elided_label import ElidedLabel
from app.widgets.fact_list import FactList
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from sidecar.types import JobInfo, StorageInfo

RUNNING = ("queued", "running")


class DiskCard(Card):
    """Signals:
    move_wanted: choose another folder.
    cancel_wanted: stop moving.
    folder_wanted: show it in the file manager.
    """

    move_wanted = Signal()
    cancel_wanted = Signal()
    folder_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Models folder"), padding=20, parent=parent)
        self.folder = ElidedLabel(size="small", middle=True, mono=True)
        self.folder_button = IconButton("folder-open", self.tr("Show the folder"), size=28, icon_size=16)
        self.bar = SpaceBar()
        self.facts = FactList()
        self.move_button = Button(self.tr("Move…"), "secondary", "hard-drive")
        self.cancel_button = Button(self.tr("Cancel"), "secondary", "x")
        self.progress = Bar()
        self.words = Label(role="muted", size="small", wrap=True)
        self.words.setFont(theme.font("small", tabular=True))
        self._lay_out()
        self.move_button.clicked.connect(self.move_wanted)
        self.cancel_button.clicked.connect(self.cancel_wanted)
        self.folder_button.clicked.connect(self.folder_wanted)
        self.show_job(None)

    def show_info(self, info: StorageInfo) -> None:
        """Show what is known now."""
        ours, others = shares(info.folder_bytes, info.free_bytes, info.total_bytes)
        self.folder.setText(info.folder)
        self.bar.set_shares(ours, others)
        wanted = info.partial_bytes - info.stray_partial_bytes
        facts = {
            self.tr("In the folder"): file_size(info.folder_bytes),
            self.tr("Free"): file_size(info.free_bytes),
            self.tr("Whole disk"): file_size(info.total_bytes),
            self.tr("Converted"): file_size(info.derived_bytes) if info.derived_bytes else "",
            self.tr("Downloading"): file_size(wanted) if wanted else "",
        }
        for title, value in facts.items():
            self.facts.set(title, value)

    def show_job(self, job: JobInfo | None) -> None:
        """The move that runs, or how the last one ended."""
        running = job is not None and job.state in RUNNING
        for widget in (self.progress, self.cancel_button):
            widget.setVisible(running)
        self.move_button.setVisible(not running)
        self.words.setText(self._told(job))
        self.words.set_role("bad_text" if job is not None and job.state == "failed" else "muted")
        if job is not None:
            self.progress.set_value(job.progress)

    def _told(self, job: JobInfo | None) -> str:
        if job is None or job.state in ("done", "cancelled"):
            return self.tr("Models keep answering while they move. Every file is compared before the old one goes.")
        if job.state == "failed":
            return job.message
        stage = job.stage or self.tr("waiting for downloads to pause")
        return self.tr("To {0}: {1} % · {2}").format(job.model, round(100 * job.progress), stage)

    def _lay_out(self) -> None:
        place = QHBoxLayout()
        place.setSpacing(6)
        place.addWidget(self.folder, 1)
        place.addWidget(self.folder_button)
        self.body.addLayout(place)
        self.body.addWidget(self.bar)
        self.body.addSpacing(4)
        self.body.addWidget(self.facts)
        self.body.addSpacing(4)
        self.body.addWidget(self.words)
        self.body.addWidget(self.progress)
        buttons = QHBoxLayout()
        buttons.addWidget(self.move_button)
        buttons.addWidget(self.cancel_button)
        buttons.addStretch(1)
        self.body.addLayout(buttons)
