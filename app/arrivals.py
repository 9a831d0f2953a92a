"""Tells the person, in whichever view, how downloads and imports fare: counts in the rail, a word when one has ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from app import transfer_words
from app.download_words import name
from app.model_names import display_name, readable
from app.model_uses import use_of
from app.widgets.toast import Offer
from sidecar.types import DownloadInfo, JobInfo, ModelInfo

if TYPE_CHECKING:
    from app.main_window import MainWindow

PLACE = "downloads"
IMPORTS_PLACE = "models"


class Arrivals(QObject):
    """Follows the session's downloads, imports and exports; shows through the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._downloads = window.session.downloads
        self._downloads.changed.connect(lambda _info: self._count())
        self._downloads.listed.connect(self._count)
        self._downloads.arrived.connect(self._on_arrived)
        self._downloads.failed.connect(self._on_failed)
        self._transfers = window.session.transfers
        self._transfers.changed.connect(lambda _job: self._count_transfers())
        self._transfers.listed.connect(self._count_transfers)
        self._transfers.arrived.connect(self._on_imported)
        self._transfers.exported.connect(self._on_exported)
        self._transfers.failed.connect(self._on_transfer_failed)

    def _count(self) -> None:
        self._window.rail.buttons[PLACE].set_count(len(self._downloads.running()))

    def _count_transfers(self) -> None:
        self._window.rail.buttons[IMPORTS_PLACE].set_count(len(self._transfers.running()))

    def _on_arrived(self, info: DownloadInfo) -> None:
        model = self._window.session.model(info.model_id or "")
        if model is not None:
            self._window.toast(self.tr("{0} is here").format(name(info)), offer=self._offer_to_use(model))

    def _on_imported(self, job: JobInfo) -> None:
        """Several at once lead to their list."""
        found = [model for one in job.models if (model := self._window.session.model(one)) is not None]
        if len(found) == 1:
            words = self.tr("{0} is here").format(display_name(found[0]))
            self._window.toast(words, offer=self._offer_to_use(found[0]))
        elif found:
            offer = Offer(self.tr("Show them"), "boxes", lambda: self._window.show_view(IMPORTS_PLACE))
            self._window.toast(self.tr("{0} models are here").format(len(found)), offer=offer)

    def _on_exported(self, job: JobInfo) -> None:
        folder = QUrl.fromLocalFile(str(Path(job.path or "").parent))
        offer = Offer(self.tr("Show in folder"), "folder-open", lambda: QDesktopServices.openUrl(folder))
        words = self.tr("{0} is in {1}").format(readable(job.model), Path(job.path or "").name)
        self._window.toast(words, offer=offer if job.path else None)

    def _on_failed(self, info: DownloadInfo) -> None:
        if self._window.in_front(PLACE):
            return  # it says so itself
        offer = Offer(self.tr("See why"), "arrow-right", lambda: self._window.show_view(PLACE).use_model(info.model))
        words = self.tr("{0} could not be downloaded").format(name(info))
        self._window.toast(words, offer=offer, bad=True)

    def _on_transfer_failed(self, job: JobInfo) -> None:
        if self._window.in_front(IMPORTS_PLACE):
            return
        offer = Offer(self.tr("See why"), "arrow-right", lambda: self._window.show_view(IMPORTS_PLACE))
        self._window.toast(transfer_words.title(job), offer=offer, bad=True)

    def _offer_to_use(self, model: ModelInfo) -> Offer:
        use = use_of(model.model_type)
        return Offer(use.action, use.icon, lambda: self._window.show_view(use.view).use_model(model.id))
