"""A model that is recommended for this machine: what it does, how quick it would be, and how far it is on its way here."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout

from app.catalogue_words import fit, speed
from app.download_words import bar_role, figures, pace, percent, share
from app.downloads import UNFINISHED
from app.figures import file_size
from app.model_uses import use_of
from app.model_words import NONE, task
from app.widgets.bar import Bar
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label
from app.widgets.pill import Pill
from sidecar.types import DownloadInfo, Recommendation

TASK_ICONS = {
    "text_generation": "message-circle",
    "classification": "tag",
    "translation": "languages",
    "embedding": "waypoints",
    "reranking": "list",
}


class DownloadCard(Card):
    """Signals:
    acted: its button: fetch it, look how it fares, or use it.
    """

    acted = Signal()

    def __init__(self, found: Recommendation) -> None:
        super().__init__(padding=18)
        self.repository = found.entry.id
        self._task = found.task
        self.setAccessibleName(found.entry.name)
        standing, rate = fit(found.entry.suitability), speed(found.entry.suitability, found.task)
        self._size = file_size(found.entry.bytes) if found.entry.bytes else self.tr("Get")
        self._fit = Pill(standing.text, standing.tone)
        self._speed = ElidedLabel("" if rate == NONE else rate, size="small")
        self._bar = Bar()
        self._figures = ElidedLabel(role="muted", size="small")
        self.button = Button(self._size, "secondary", "download")
        self.button.clicked.connect(self.acted)
        self.setToolTip(found.reason)
        self._lay_out(found)
        self.show_download(None, installed=found.entry.installed)

    def has_speed(self) -> bool:
        """Whether it says how quick the model would be."""
        return bool(self._speed.text())

    def show_download(self, info: DownloadInfo | None, *, installed: bool) -> None:
        """How far it is; `installed`: it is here and can be used."""
        under_way = info is not None and info.state in UNFINISHED and not installed
        failed = info is not None and info.state == "failed" and not installed
        for widget in (self._fit, self._speed):
            widget.setVisible(not under_way and not failed)
        self._bar.setVisible(under_way)
        self._figures.setVisible(under_way or failed)
        if info is not None and (under_way or failed):
            self._bar.set_value(share(info), bar_role(info))
            self._figures.setText(figures(info) if failed else pace(info))
            self._figures.set_role("bad_text" if failed else "muted")
        self._show_button(info if under_way else None, installed=installed, failed=failed)

    def _show_button(self, under_way: DownloadInfo | None, *, installed: bool, failed: bool) -> None:
        name = self.accessibleName()
        if installed:
            self._say(use_of(self._task).action, "primary", use_of(self._task).icon, name)
        elif under_way is not None:
            words = percent(under_way) if under_way.bytes_total else self.tr("Follow")
            self._say(words, "secondary", "arrow-right", self.tr("{0} is on its way").format(name))
        elif failed:
            self._say(self.tr("See why"), "secondary", "arrow-right", name)
        else:
            self._say(self._size, "secondary", "download", self.tr("Download {0}, {1}").format(name, self._size))

    def _say(self, words: str, kind: str, icon: str, spoken: str) -> None:
        self.button.setText(words)
        self.button.set_kind("primary" if kind == "primary" else "secondary", icon)
        self.button.setAccessibleName(f"{words}: {spoken}" if kind == "primary" else spoken)

    def _lay_out(self, found: Recommendation) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(IconLabel(TASK_ICONS[found.task], "accent", 16))
        head.addWidget(Label(task(found.task), "muted", "small"), 1)
        self.body.setSpacing(6)
        self.body.addLayout(head)
        self.body.addWidget(ElidedLabel(found.entry.name, size="lead", weight="strong"))
        why = Label(found.entry.why, "muted", "small", wrap=True)
        self.body.addWidget(why)
        self.body.addStretch(1)
        self.body.addSpacing(2)
        self.body.addWidget(self._bar)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._fit)
        foot.addWidget(self._speed, 1)
        foot.addWidget(self._figures, 1)
        foot.addWidget(self.button)
        self.body.addSpacing(4)
        self.body.addLayout(foot)
