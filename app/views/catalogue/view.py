"""The Catalogue view: search and filters above, the models at the left, the page of the chosen one at the right."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app import operations
from app.catalogue_words import request
from app.download_requests import DownloadRequests
from app.model_uses import use_of
from app.models.offers import Offers
from app.view import Frame, View
from app.views.catalogue.action import PageAction, page_action
from app.views.catalogue.empty import nothing_found, refused, starting
from app.views.catalogue.header import CatalogueFilters, CatalogueHeader
from app.views.catalogue.page import OfferPage
from app.views.catalogue.questions import CatalogueQuestions
from app.views.catalogue.table import OfferTable
from app.widgets.card import Card
from app.widgets.command_palette import Command
from app.widgets.hairline import Hairline
from app.widgets.link_dialog import LinkDialog
from app.widgets.network_notice import NetworkNotice
from sidecar.types import (
    CatalogueDetail,
    CatalogueEntry,
    CataloguePage,
    DownloadInfo,
    HubAccount,
    Recommendation,
    Variant,
)

SIDE = 24
NARROW_BELOW = 900  # logical pixels of the view's width
PAGE_WIDTH, NARROW_PAGE_WIDTH = 412, 346
LEAST_LIST = 240


class CatalogueView(View):
    """A page of the window; see the package's modules for its parts."""

    name = "catalogue"
    title = "Catalogue"
    icon = "compass"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.entry: CatalogueEntry | None = None
        self.detail: CatalogueDetail | None = None
        self.best: dict[str, str] = {}  # why it is recommended, by repository
        self._wanted = ""  # the model to choose once it is listed
        self._here: frozenset[str] = frozenset()
        self.offers = Offers(self)
        self.questions = CatalogueQuestions(self.session, self)
        self.requests = DownloadRequests(self.session, self)
        self.header = CatalogueHeader(self)
        self.filters = CatalogueFilters()
        self.notice = NetworkNotice()
        self.table = OfferTable(self.offers)
        self._page: OfferPage | None = None
        self._page_soon = QTimer(self, singleShot=True, interval=0)
        self._body = QWidget(self)
        self._left = QStackedWidget()
        self._columns = QHBoxLayout()
        self._lay_out()
        self._connect()
        self.offers.follow(self.session.downloads.of)
        if self.session.machine.system is not None:
            self.header.show_system(self.session.machine.system)
        self._search(at_once=True)

    # ---- View -------------------------------------------------------------------------------------------------------

    def activated(self) -> None:
        self.header.search.setFocus()

    def use_model(self, model_id: str) -> None:
        """Show the page of this repository, whether or not it is in the list."""
        self._wanted = model_id
        if self.offers.row_of(model_id) < 0:
            self.filters.clear()
            self.header.search.setText(model_id)
        else:
            self.choose(model_id)

    def commands(self) -> list[Command]:
        section = self.tr("Catalogue")
        found = [
            Command("catalogue-search", self.tr("Find a model to download"), self._go_to_search, section, "search")
        ]
        if self.entry is not None and self._action(self.entry).kind == "download":
            words = self.tr("Download {0}").format(self.entry.name)
            found.append(Command("catalogue-download", words, self._act, section, "download"))
        return found

    # ---- the list ---------------------------------------------------------------------------------------------------

    def choose(self, repository: str) -> None:
        """Show the page of another model."""
        entry = self.offers.entry_of(repository)
        if entry is None:
            return
        self._wanted = repository
        self.table.choose(repository)
        if self.entry is None or self.entry.id != repository:
            self.entry, self.detail = entry, None
            self._begin_page()
            self.questions.detail(entry.id, entry.revision)

    def _search(self, *, at_once: bool = False) -> None:
        self.questions.search(self.filters.query(self.header.search.text()), at_once=at_once)

    def _on_found(self, answer: CataloguePage, best: list[Recommendation]) -> None:
        self.best = {one.entry.id: one.reason for one in best}
        listed = {entry.id for entry in answer.entries}
        self.offers.set_entries(answer.entries, listed & self.best.keys())
        self.filters.show_count(answer)
        if not self.header.search.text().strip() and not self.filters.narrows():
            self.filters.offer_licences(answer.entries)
        notice = answer.notice or ""
        self.notice.show_notice(notice[:1].upper() + notice[1:], offline=self.session.network.offline)
        self._left.setCurrentWidget(self._card if answer.entries else self._nothing)
        self._choose_after_search()
        self._show_page()

    def _choose_after_search(self) -> None:
        """The model in view stays in view; else the one that was asked for, else the first."""
        for repository in (self._wanted, self.entry.id if self.entry else ""):
            if self.offers.row_of(repository) >= 0:
                self._refresh(repository)
                return
        first = self.offers.at(0)
        if first is not None:
            self.choose(first.id)
        else:
            self.entry = self.detail = None

    def _refresh(self, repository: str) -> None:
        """What the list tells of it may be different now."""
        fresh = self.offers.entry_of(repository)
        if self.entry is not None and self.entry.id == repository and fresh is not None:
            self.entry = fresh
            self.table.choose(repository)
            self._show_action()
        else:
            self.choose(repository)

    def _on_refused(self, words: str) -> None:
        self._refused.set_words(words)
        self._left.setCurrentWidget(self._refused)
        self._show_page()

    def _on_row_action(self, repository: str) -> None:
        """The button of a row does at once what needs no more questions; the others lead to the page."""
        self.choose(repository)
        entry = self.offers.entry_of(repository)
        if entry is not None and self.offers.action(entry) in ("get", "open", "follow"):
            self._act()
        elif self._page is not None:
            self._page.details.button.setFocus()

    # ---- the page ---------------------------------------------------------------------------------------------------

    @property
    def page(self) -> OfferPage:
        """The page at the right, made when there is first a model to show."""
        if self._page is None:
            self._page = OfferPage(self._body)
            self._columns.addWidget(self._page)
            self._connect_page(self._page)
            self._fit()
        return self._page

    def variant(self) -> Variant | None:
        """The one chosen on the page; None until its files are known."""
        return self.page.variants.variant() if self.detail and self.detail.variants else None

    def _begin_page(self) -> None:
        if self._page is None:
            self._page_soon.start()  # it takes long enough to make for a turn of its own
        elif self.entry is not None:
            self._page.begin()
            self._page.details.show_entry(self.entry, self._why_best())
        self._show_page()

    def _make_page(self) -> None:
        if self.page is not None and self.entry is not None:
            self.page.details.show_entry(self.entry, self._why_best())
            if self.detail is not None:
                self._on_detail(self.detail)
        self._show_page()

    def _show_page(self) -> None:
        if self._page is not None:
            self._page.setVisible(self.entry is not None and self._left.currentWidget() is self._card)
            self._show_action()

    def _on_detail(self, detail: CatalogueDetail) -> None:
        if self.entry is None or detail.entry.id != self.entry.id:
            return
        self.detail = detail
        if self._page is None:
            return
        detail.entry.installed, detail.entry.model_id = self.entry.installed, self.entry.model_id
        self._page.show_detail(detail)
        self._page.details.show_detail(detail, self.variant(), self._why_best())
        if detail.access != "open":
            operations.run(self, self._account(), on_success=self._page.access.show_account)
        self._show_action()

    def _on_no_detail(self, repository: str, why: str) -> None:
        if self.entry is not None and self.entry.id == repository and self._page is not None:
            self._page.details.say(why, retry=True)

    def _on_variant(self, variant: Variant) -> None:
        if self.detail is not None:
            self.page.details.show_detail(self.detail, variant, self._why_best())
            self.page.show_files(self.detail, variant)
            self._show_action()

    def _why_best(self) -> str:
        return self.best.get(self.entry.id, "") if self.entry else ""

    def _action(self, entry: CatalogueEntry) -> PageAction:
        download = self.session.downloads.of(entry.id)
        return page_action(entry, self.detail, self.variant(), download, self.page.safety.allowed())

    def _show_action(self) -> None:
        if self.entry is not None and self._page is not None:
            self._page.details.show_action(self._action(self.entry), self.session.downloads.of(self.entry.id))

    def _act(self) -> None:
        """What the one big button does now."""
        if self.entry is None:
            return
        match self._action(self.entry).kind:
            case "download":
                self._download(self.entry)
            case "open":
                self._open(self.entry)
            case "follow":
                self.frame.show_view("downloads").use_model(self.entry.id)
            case "access":
                self.page.show_access()
            case "permit":
                self.page.show_permissions()

    def _download(self, entry: CatalogueEntry) -> None:
        self.requests.start(request(entry, self.variant(), tuple(sorted(self.page.safety.allowed()))))

    def _open(self, entry: CatalogueEntry) -> None:
        if entry.model_id is not None:
            self.frame.show_view(use_of(entry.task).view).use_model(entry.model_id)

    # ---- access -----------------------------------------------------------------------------------------------------

    def _keep_token(self, token: str) -> None:
        operations.run(
            self,
            self._token_kept(token),
            on_success=self._on_account,
            busy=self.page.access.set_busy,
        )

    async def _token_kept(self, token: str) -> HubAccount:
        return await self.session.client.set_hub_token(token)

    async def _account(self) -> HubAccount:
        return await self.session.client.hub_account()

    def _on_account(self, account: HubAccount) -> None:
        self.page.access.show_account(account)
        self._ask_again()

    def _ask_again(self) -> None:
        """What the hub says now, not what it said a moment ago."""
        if self.entry is not None:
            self.page.details.say("", busy=True)
            self.questions.detail(self.entry.id, self.entry.revision, fresh=True)

    # ---- what changed -----------------------------------------------------------------------------------------------

    def _on_machine(self) -> None:
        """With a measurement come speeds, and other recommendations."""
        machine = self.session.machine
        if machine.system is not None:
            self.header.show_system(machine.system)
            self._search(at_once=True)
            if self.entry is not None:
                self.questions.detail(self.entry.id, self.entry.revision)

    def _on_models(self) -> None:
        """Only which models there are matters here, not what they do."""
        here = frozenset(model.id for model in self.session.models)
        if here != self._here:
            self._here = here
            self._search(at_once=True)

    def _on_download(self, info: DownloadInfo) -> None:
        self.offers.touch(info.model)
        if self.entry is not None and info.model == self.entry.id:
            self._show_action()

    def _on_network(self) -> None:
        if self.header.search.text().strip():
            self._search(at_once=True)

    def _go_to_search(self) -> None:
        self.frame.show_view(self.name)
        self.header.search.selectAll()

    # ---- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._card = Card(padding=0)
        self._card.body.addWidget(self.table)
        self._starting, self._refused = starting(), refused(lambda: self._search(at_once=True))
        self._nothing = nothing_found(self._forget_filters)
        for page in (self._starting, self._card, self._nothing, self._refused):
            self._left.addWidget(page)
        inside = QVBoxLayout(self._body)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(12)
        inside.addWidget(self.filters)
        inside.addWidget(self.notice)
        self._left.setMinimumWidth(LEAST_LIST)  # what is not in front must not ask for more
        self._columns.addWidget(self._left, 1)
        inside.addLayout(self._columns, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(Hairline())
        column.addWidget(self._body, 1)
        self._fit()

    def _forget_filters(self) -> None:
        self.header.search.clear()
        self.filters.clear()

    def _connect(self) -> None:
        self.header.changed.connect(self._search)
        self.header.measure_button.clicked.connect(
            lambda: self.session.machine.measure(self.header.measure_button.setDisabled)
        )
        self.header.search.moved.connect(lambda _by: self.table.setFocus())
        self.header.search.returnPressed.connect(self.table.setFocus)
        self.filters.changed.connect(lambda: self._search(at_once=True))
        self.filters.ordered.connect(self.offers.set_order)
        self.questions.searching.connect(self.header.busy.setVisible)
        self.questions.found.connect(self._on_found)
        self.questions.refused.connect(self._on_refused)
        self.questions.detailed.connect(self._on_detail)
        self.questions.not_detailed.connect(self._on_no_detail)
        self.table.key_chosen.connect(self.choose)
        self.table.opened.connect(lambda _repository: self._act())
        self.table.acted.connect(self._on_row_action)
        self.notice.retry_wanted.connect(lambda: self._search(at_once=True))
        self.notice.online_wanted.connect(lambda: self.session.network.set_offline(False))
        self.session.models_changed.connect(self._on_models)
        self.session.machine.changed.connect(self._on_machine)
        self.session.network.changed.connect(self._on_network)
        self.session.downloads.changed.connect(self._on_download)
        self.session.downloads.listed.connect(self._show_action)
        self._page_soon.timeout.connect(self._make_page)

    def _connect_page(self, page: OfferPage) -> None:
        page.details.acted.connect(self._act)
        page.details.retry_wanted.connect(self._ask_again)
        page.variants.variant_chosen.connect(self._on_variant)
        page.safety.permitted.connect(self._show_action)
        page.access.page_wanted.connect(lambda address: LinkDialog(address, self).open())
        page.access.token_given.connect(self._keep_token)
        page.access.retry_wanted.connect(self._ask_again)
        page.card.link_activated.connect(lambda address: LinkDialog(address, self).open())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        narrow = self.width() < NARROW_BELOW
        edge = 14 if narrow else SIDE
        self._body.setContentsMargins(edge, edge - 4, edge, edge)
        self.filters.count.setVisible(not narrow)
        self._columns.setSpacing(edge)
        if self._page is not None:
            self._page.setFixedWidth(NARROW_PAGE_WIDTH if narrow else PAGE_WIDTH)
        self.header.machine.setVisible(not narrow)
