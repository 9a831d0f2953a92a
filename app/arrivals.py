"""Tells the person, in whichever view, how downloads fare: a count in the rail, a word when one has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.download_words import name
from app.model_uses import use_of
from app.widgets.toast import Offer
from sidecar.types import DownloadInfo

if TYPE_CHECKING:
    from app.main_window import MainWindow

PLACE = "downloads"


class Arrivals(QObject):
    """Follows the session's downloads; shows through the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._downloads = window.session.downloads
        self._downloads.changed.connect(lambda _info: self._count())
        self._downloads.listed.connect(self._count)
        self._downloads.arrived.connect(self._on_arrived)
        self._downloads.failed.connect(self._on_failed)

    def _count(self) -> None:
        self._window.rail.buttons[PLACE].set_count(len(self._downloads.running()))

    def _on_arrived(self, info: DownloadInfo) -> None:
        model = self._window.session.model(info.model_id or "")
        if model is None:
            return
        use = use_of(model.model_type)
        offer = Offer(use.action, use.icon, lambda: self._window.show_view(use.view).use_model(model.id))
        self._window.toast(self.tr("{0} is here").format(name(info)), offer=offer)

    def _on_failed(self, info: DownloadInfo) -> None:
        if self._window.in_front(PLACE):
            return  # it says so itself
        offer = Offer(self.tr("See why"), "arrow-right", lambda: self._window.show_view(PLACE).use_model(info.model))
        words = self.tr("{0} could not be downloaded").format(name(info))
        self._window.toast(words, offer=offer, bad=True)
