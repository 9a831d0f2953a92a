"""The Downloads view: the queue at the left, the page of the chosen download at the right."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.download_requests import DownloadRequests
from app.download_words import main_action, name
from app.downloads import RUNNING, UNFINISHED
from app.figures import file_size
from app.model_uses import use_of
from app.models.download_table import DownloadTable
from app.view import Frame, View
from app.views.downloads.header import DownloadsHeader
from app.views.downloads.page import DownloadPage
from app.views.downloads.table import DownloadView
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.command_palette import Command
from app.widgets.confirm_dialog import ConfirmDialog
from app.widgets.empty_state import EmptyState
from app.widgets.hairline import Hairline
from app.widgets.network_notice import NetworkNotice
from sidecar.types import DownloadInfo

SIDE = 24
NARROW_BELOW = 900  # logical pixels of the view's width
PAGE_WIDTH, NARROW_PAGE_WIDTH = 412, 346
LEAST_LIST = 240


class DownloadsView(View):
    """A page of the window; see the package's modules for its parts."""

    name = "downloads"
    title = "Downloads"
    icon = "download"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.info: DownloadInfo | None = None
        self.downloads = DownloadTable(self)
        self.requests = DownloadRequests(self.session, self)
        self.header = DownloadsHeader(self)
        self.notice = NetworkNotice()
        self.table = DownloadView(self.downloads)
        self._page: DownloadPage | None = None
        self._page_soon = QTimer(self, singleShot=True, interval=0)
        self._pages = QStackedWidget(self)
        self._body = QWidget()
        self._columns = QHBoxLayout()
        self._above = QVBoxLayout()
        self._lay_out()
        self._connect()
        self._on_network()
        self._show()

    # ---- View -------------------------------------------------------------------------------------------------------

    def activated(self) -> None:
        self.session.downloads.refresh()
        (self.table if self.info is not None else self.browse_button).setFocus()

    def use_model(self, model_id: str) -> None:
        """Show the download of this repository."""
        found = self.session.downloads.of(model_id)
        if found is not None:
            self.choose(found.job_id)

    def commands(self) -> list[Command]:
        section, found = self.tr("Downloads"), self.session.downloads.all()
        commands = []
        if any(info.state in RUNNING for info in found):
            commands.append(
                Command("downloads-pause", self.tr("Pause all downloads"), self._pause_all, section, "pause")
            )
        if any(info.state == "paused" for info in found):
            commands.append(
                Command("downloads-resume", self.tr("Resume all downloads"), self._resume_all, section, "play")
            )
        network = self.session.network
        words = self.tr("Go online") if network.offline else self.tr("Go offline")
        switch = Command("network", words, lambda: network.set_offline(not network.offline), section, "wifi-off")
        return [*commands, switch]

    # ---- what is chosen ---------------------------------------------------------------------------------------------

    def choose(self, job_id: str) -> None:
        """Show the page of another download."""
        self.info = self.session.downloads.get(job_id)
        self.table.choose(job_id)
        self._show_page()

    def act(self, job_id: str) -> None:
        """What one would do with this download now."""
        info = self.session.downloads.get(job_id)
        if info is None:
            return
        match main_action(info).kind:
            case "pause":
                self.requests.pause(info)
            case "resume":
                self.requests.resume(info)
            case "retry":
                self.requests.retry(info)
            case "access" | "look":
                self.frame.show_view("catalogue").use_model(info.model)
            case "open":
                self._open(info)

    def _open(self, info: DownloadInfo) -> None:
        model = self.session.model(info.model_id or "")
        if model is not None:
            self.frame.show_view(use_of(model.model_type).view).use_model(model.id)

    def _cancel(self, job_id: str) -> None:
        """End it, or take one that has ended off the list. What has arrived of it goes: that is asked first."""
        info = self.session.downloads.get(job_id)
        if info is None:
            return
        if info.state in ("done", "cancelled"):
            self.requests.forget(info)
        elif info.bytes_done:
            self._ask_before(info)
        else:
            self._end(info)

    def _end(self, info: DownloadInfo) -> None:
        if info.state in UNFINISHED:
            self.requests.cancel(info)
        else:
            self.requests.forget(info)

    def _ask_before(self, info: DownloadInfo) -> None:
        question, action = self.tr("Cancel {0}?"), self.tr("Cancel and delete")
        lost = self.tr("{0} have arrived and would be deleted. Paused, it could go on later.")
        if info.state == "failed":
            question, action = self.tr("Take {0} off the list?"), self.tr("Take off and delete")
            lost = self.tr("{0} have arrived and would be deleted. Tried again, it would go on with them.")
        amount = file_size(info.bytes_done)
        dialog = ConfirmDialog(question.format(name(info)), lost.format(amount), action, self.tr("Keep it"), self)
        dialog.accepted.connect(lambda: self._end(info))
        dialog.open()

    def _put_first(self) -> None:
        if self.info is not None:
            self.requests.put_first(self.info, self._waiting())

    def _verify(self) -> None:
        if self.info is not None:
            self.requests.verify(self.info, self.page.set_verifying)

    def _clear(self) -> None:
        """What failed stays: it may go on with what has arrived."""
        for info in self.session.downloads.all():
            if info.state in ("done", "cancelled"):
                self.requests.forget(info)

    def _pause_all(self) -> None:
        for info in self.session.downloads.running():
            self.requests.pause(info)

    def _resume_all(self) -> None:
        for info in self.session.downloads.all():
            if info.state == "paused":
                self.requests.resume(info)

    # ---- what changed -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        found = self.session.downloads.all()
        self.downloads.set_downloads(found)
        self.header.show_downloads(found)
        self._pages.setCurrentIndex(0 if found else 1)
        now = self.session.downloads.get(self.info.job_id) if self.info else None
        self.info = now or self.downloads.at(0)
        if self.info is not None:
            self.table.choose(self.info.job_id)
        self._show_page()

    def _on_network(self) -> None:
        network = self.session.network
        self.header.show_network(offline=network.offline, limit_kb_s=network.limit_kb_s)
        words = self.tr("Offline is on: nothing is fetched until you go online.") if network.offline else ""
        self.notice.show_notice(words, offline=True)
        self._fit()

    def _waiting(self) -> list[DownloadInfo]:
        return [info for info in self.session.downloads.running() if info.state == "queued"]

    def _can_be_first(self, info: DownloadInfo) -> bool:
        """Whether it waits, and another one that waits would run before it."""
        before = [one for one in self._waiting() if (-one.priority, one.created_at) < (-info.priority, info.created_at)]
        return info.state == "queued" and bool(before)

    @property
    def page(self) -> DownloadPage:
        """The page at the right, made when there is first a download to show."""
        if self._page is None:
            self._page = DownloadPage(self._body)
            self._columns.addWidget(self._page)
            self._connect_page(self._page)
            self._fit()
        return self._page

    def _show_page(self) -> None:
        if self._page is None:
            self._page_soon.start()  # it takes long enough to make for a turn of its own
            return
        self._page.setVisible(self.info is not None)
        if self.info is not None:
            model = self.session.model(self.info.model_id or "")
            self._page.show_download(self.info, model, can_be_first=self._can_be_first(self.info))

    def _make_page(self) -> None:
        if self.info is not None and self.page is not None:
            self._show_page()

    # ---- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        listing = Card(padding=0)
        listing.setMinimumWidth(LEAST_LIST)
        listing.body.setContentsMargins(0, 6, 0, 6)  # without a header, rows would lie over the round corners
        listing.body.addWidget(self.table, 1)
        self._columns.addWidget(listing, 1)
        inside = QVBoxLayout(self._body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addLayout(self._columns, 1)
        self._above.addWidget(self.notice)
        self._pages.addWidget(self._body)
        self._pages.addWidget(self._nothing())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(Hairline())
        column.addLayout(self._above)
        column.addWidget(self._pages, 1)

    def _nothing(self) -> EmptyState:
        words = self.tr(
            "Models that you download show here: how far they are, how long it takes, and what went wrong. They go on"
            " after a restart."
        )
        page = EmptyState("download", self.tr("No downloads"), words)
        self.browse_button = Button(self.tr("Open the Catalogue"), "primary", "compass")
        self.browse_button.clicked.connect(lambda: self.frame.show_view("catalogue"))
        page.add_action(self.browse_button)
        return page

    def _connect(self) -> None:
        self.session.downloads.changed.connect(lambda _info: self._show())
        self.session.downloads.listed.connect(self._show)
        self.session.models_changed.connect(self._show_page)
        self.session.network.changed.connect(self._on_network)
        self.header.limit_wanted.connect(self.session.network.set_limit)
        self.header.offline_wanted.connect(self.session.network.set_offline)
        self.header.clear_wanted.connect(self._clear)
        self.notice.online_wanted.connect(lambda: self.session.network.set_offline(False))
        self.requests.said.connect(self.frame.toast)
        self.table.key_chosen.connect(self.choose)
        self.table.opened.connect(self.act)
        self.table.acted.connect(self.act)
        self.table.cancel_wanted.connect(self._cancel)
        self._page_soon.timeout.connect(self._make_page)

    def _connect_page(self, page: DownloadPage) -> None:
        page.acted.connect(lambda: self._with_chosen(self.act))
        page.cancel_wanted.connect(lambda: self._with_chosen(self._cancel))
        page.first_wanted.connect(self._put_first)
        page.verify_wanted.connect(self._verify)
        page.forget_wanted.connect(lambda: self._with_chosen(self._cancel))

    def _with_chosen(self, action: Callable[[str], object]) -> None:
        if self.info is not None:
            action(self.info.job_id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        narrow = self.width() < NARROW_BELOW
        edge = 14 if narrow else SIDE
        self._body.setContentsMargins(edge, edge, edge, edge)
        self._columns.setSpacing(edge)
        self._above.setContentsMargins(edge, edge if self.session.network.offline else 0, edge, 0)
        if self._page is not None:
            self._page.setFixedWidth(NARROW_PAGE_WIDTH if narrow else PAGE_WIDTH)
