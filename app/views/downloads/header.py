"""The head of the Downloads view: how it goes altogether, how much of the network it may take, and the offline switch."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.download_words import speed
from app.downloads import RUNNING
from app.figures import time_left
from app.theme import theme
from app.widgets.button import Button
from app.widgets.elided_label import ElidedLabel
from app.widgets.filter_field import FilterField
from app.widgets.label import Label
from sidecar.types import DownloadInfo

LIMITS_KB_S = (250, 500, 1_000, 2_000, 5_000, 10_000, 25_000)


class DownloadsHeader(QWidget):
    """Signals:
    limit_wanted(int): kilobytes a second; 0 does not limit.
    offline_wanted(bool): make no connection, or make them again.
    clear_wanted: take what is here or was cancelled off the list.
    """

    limit_wanted = Signal(object)
    offline_wanted = Signal(bool)
    clear_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme.metrics.spacing["header_height"])
        self.summary = ElidedLabel(role="muted", size="small")
        self.summary.setFont(theme.font("small", tabular=True))
        self.limit = FilterField(self.tr("Bandwidth limit"), [(0, self.tr("No limit")), *map(_limit, LIMITS_KB_S)])
        self.limit.setToolTip(self.tr("What all downloads together may take"))
        self.offline = Button(self.tr("Offline"), "secondary", "wifi-off")
        self.offline.setCheckable(True)
        self.offline.setToolTip(self.tr("While it is on, no connection to other machines is made"))
        self.clear_button = Button(self.tr("Clear"), "ghost")
        self.clear_button.setToolTip(self.tr("Take what is here or was cancelled off the list; models stay"))
        self._lay_out()
        self.limit.chosen.connect(self.limit_wanted)
        self.offline.clicked.connect(self.offline_wanted)
        self.clear_button.clicked.connect(self.clear_wanted)

    def show_network(self, *, offline: bool, limit_kb_s: int) -> None:
        """How the two settings stand."""
        self.offline.setChecked(offline)
        self.limit.set_value(limit_kb_s, _limit(limit_kb_s)[1])
        self.limit.updateGeometry()

    def show_downloads(self, downloads: Sequence[DownloadInfo]) -> None:
        """2 under way · 18 MB/s · 3 min left."""
        running = [info for info in downloads if info.state in RUNNING]
        self.summary.setText(self._sum(running))
        self.clear_button.setEnabled(any(info.state in ("done", "cancelled") for info in downloads))

    def _sum(self, running: Sequence[DownloadInfo]) -> str:
        if not running:
            return ""
        rate = sum(info.speed or 0 for info in running)
        ahead = sum(info.bytes_total - info.bytes_done for info in running)
        left = self.tr("{0} left").format(time_left(ahead / rate)) if rate and ahead else ""
        count = self.tr("{0} under way").format(len(running))
        return " · ".join(filter(None, (count, speed(rate), left)))

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 0, 24, 0)
        row.setSpacing(10)
        row.addWidget(Label(self.tr("Downloads"), size="title", weight="strong"))
        row.addSpacing(4)
        row.addWidget(self.summary, 1)
        for widget in (self.limit, self.offline, self.clear_button):
            row.addWidget(widget)


def _limit(kilobytes: int) -> tuple[int, str]:
    if kilobytes < 1000:
        return kilobytes, f"{kilobytes} kB/s"
    return kilobytes, f"{kilobytes / 1000:g} MB/s"
