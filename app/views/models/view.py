"""The Models view: the models of this machine at the left, the page of the chosen one at the right."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from app.model_names import display_name
from app.model_uses import has_view, use_of
from app.model_words import usable
from app.models.installed import InstalledModels
from app.theme import theme
from app.transfer_words import BUNDLE
from app.view import Frame, View
from app.views.models.asking import ModelRequests
from app.views.models.forecaster import Forecaster
from app.views.models.header import ModelsHeader
from app.views.models.jobs import ModelJobs
from app.views.models.page import ModelPage
from app.views.models.table import ModelTable
from app.views.models.transfers_card import TransfersCard
from app.views.models.verification import Verification
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.command_palette import Command
from app.widgets.empty_state import EmptyState
from app.widgets.file_dialog import FileDialog
from app.widgets.hairline import Hairline
from app.widgets.label import Label
from sidecar.types import JobInfo, ModelInfo

SIDE = 24
NARROW_BELOW = 900  # logical pixels of the view's width
PAGE_WIDTH, NARROW_PAGE_WIDTH = 412, 380
FORECAST_DEPENDS_ON = ("id", "version", "is_loaded", "engine", "precision", "quantization", "device", "active_requests")


class ModelsView(View):
    """A page of the window; see the package's modules for its parts."""

    name = "models"
    title = "Models"
    icon = "boxes"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.model: ModelInfo | None = None
        self.installed = InstalledModels(self)
        self.jobs = ModelJobs(self.session, self)
        self.requests = ModelRequests(self.session, self)
        self.forecaster = Forecaster(self.session, self)
        self.verification = Verification(self.session, self)
        self.header = ModelsHeader(self)
        self.table = ModelTable(self.installed)
        self.transfers = TransfersCard(self)
        self._nothing = Label(self.tr("No model matches."), "muted", "control")
        self._page: ModelPage | None = None
        self._page_soon = QTimer(self, singleShot=True, interval=0)
        self._pages = QStackedWidget(self)
        self._empty = QStackedWidget()
        self._body = QWidget(self._pages)
        self._columns = QHBoxLayout(self._body)
        self._lay_out()
        self._connect()
        self._on_models()
        self._on_transfers()

    # ---- View -------------------------------------------------------------------------------------------------------

    def activated(self) -> None:
        self.table.setFocus()
        self._ask()

    def use_model(self, model_id: str) -> None:
        """Show this model's page."""
        self.header.search.clear()
        self.choose(model_id)

    def commands(self) -> list[Command]:
        if self.model is None:
            return []
        model, section = self.model, self.tr("Models")
        name = display_name(model)
        found = [Command("models-search", self.tr("Search models"), self._search, section, "search")]
        if model.is_loaded:
            unload = self.tr("Unload {0}").format(name)
            found.append(Command("models-unload", unload, lambda: self.requests.unload(model), section, "log-out"))
        elif usable(model):
            load = self.tr("Load {0}").format(name)
            found.append(Command("models-load", load, lambda: self.requests.load(model), section, "memory-stick"))
        if model.preparable:
            prepare = self.tr("Prepare {0} for the quicker engine").format(name)
            found.append(Command("models-prepare", prepare, lambda: self.requests.prepare(model), section, "gauge"))
        return found

    # ---- what is chosen ---------------------------------------------------------------------------------------------

    def choose(self, model_id: str) -> None:
        """Show the page of another model."""
        if self.model is None or self.model.id != model_id:
            self.page.begin()
        self.model = self.session.model(model_id)
        self.table.choose(model_id)
        self._show_page()
        self._ask()

    def menu(self, model: ModelInfo) -> QMenu:
        """What can be done with a model."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if model.is_loaded:
            menu.addAction(theme.icon("log-out"), self.tr("Unload"), lambda: self.requests.unload(model))
        elif usable(model):
            menu.addAction(theme.icon("memory-stick"), self.tr("Load"), lambda: self.requests.load(model))
        if has_view(model.model_type) and usable(model):
            menu.addAction(theme.icon("arrow-right"), self.tr("Use it"), lambda: self._use(model))
        pin, icon = (self.tr("Unpin"), "pin-off") if model.pinned else (self.tr("Pin"), "pin")
        menu.addAction(theme.icon(icon), pin, lambda: self.requests.update(model, "pinned", not model.pinned))
        menu.addSeparator()
        menu.addAction(theme.icon("folder-open"), self.tr("Show its folder"), lambda: self.requests.show_folder(model))
        menu.addAction(theme.icon("upload"), self.tr("Export…"), lambda: self.export(model))
        if not model.builtin:
            menu.addAction(theme.icon("trash-2"), self.tr("Delete"), lambda: self.requests.remove(model))
        return menu

    def export(self, model: ModelInfo) -> None:
        """Ask where its bundle shall be written."""
        name = f"{model.id.replace('/', '--')}{BUNDLE}"
        kinds = self.tr("Bundles") + f" (*{BUNDLE})"
        dialog = FileDialog(self, self.tr("Export {0}").format(display_name(model)), name, kinds)
        dialog.setAcceptMode(FileDialog.AcceptMode.AcceptSave)
        dialog.setOption(FileDialog.Option.DontConfirmOverwrite)  # the service overwrites nothing
        dialog.fileSelected.connect(lambda path: self.requests.export(model, path))
        dialog.open()

    def _open(self, model_id: str) -> None:
        """Load a model, or go to work with one that is loaded."""
        model = self.session.model(model_id)
        if model is not None and model.is_loaded:
            self._use(model)
        elif model is not None and usable(model):
            self.requests.load(model)

    def _use(self, model: ModelInfo) -> None:
        if has_view(model.model_type):
            self.frame.show_view(use_of(model.model_type).view).use_model(model.id)

    def _search(self) -> None:
        self.frame.show_view(self.name)
        self.header.search.setFocus()

    def _filter(self, words: str, task: str) -> None:
        self.installed.filter(words, task)
        self._show_matches()

    def _show_matches(self) -> None:
        self.table.setVisible(self.installed.rowCount() > 0)
        self._nothing.setVisible(self.installed.rowCount() == 0)

    # ---- what changed -----------------------------------------------------------------------------------------------

    def _on_models(self) -> None:
        before = self.model
        self._show_models()
        if self.isVisible() and _runs_otherwise(before, self.model):
            self._ask()

    def _show_models(self) -> None:
        models = self.session.models
        self.installed.set_models(models, self.jobs.running())
        self.header.show_models(models)
        self._show_matches()
        self._pages.setCurrentIndex(0 if models else 1)
        self._empty.setCurrentIndex(1 if self.session.models_known else 0)
        self.model = self.session.model(self.model.id if self.model else "") or self.installed.at(0)
        if self.model is not None:
            self.table.choose(self.model.id)
        self._show_page()

    def _on_job(self, job: JobInfo) -> None:
        self._show_models()
        if job.state == "done":
            self.frame.toast(job.message)

    def _on_transfers(self) -> None:
        transfers = self.session.transfers
        self.transfers.show_jobs(transfers.running(), transfers.failed_ones())
        self._show_files()

    def _show_download(self, job_id: str) -> None:
        info = self.session.downloads.get(job_id)
        self.frame.show_view("downloads").use_model(info.model if info else "")

    def _begin_again(self, job: JobInfo) -> None:
        """Ask once more, with the same source filled in."""
        model = self.session.model(job.model)
        if job.kind == "import":
            self.frame.import_models([job.model])
        elif job.kind == "fetch":
            self.frame.import_models(address=job.model)
        elif model is not None:
            self.export(model)
        self.session.transfers.dismiss(job.id)

    def _show_files(self) -> None:
        if self._page is not None and self.model is not None:
            name = self.model.id
            exporting = any((job.kind, job.model) == ("export", name) for job in self.session.transfers.running())
            self._page.show_files(self.model, self.verification.of(self.model), exporting=exporting)

    def _with_model(self, action: Callable[[ModelInfo], object]) -> None:
        if self.model is not None:
            action(self.model)

    def _update(self, option: str, value: object) -> None:
        self._with_model(lambda model: self.requests.update(model, option, value))

    def _cancel(self) -> None:
        job = self.jobs.of(self.model.id) if self.model else None
        if job is not None:
            self.requests.cancel(job.id)

    def _open_menu(self, model_id: str, where: QPoint) -> None:
        model = self.session.model(model_id)
        if model is not None:
            self.menu(model).popup(where)

    @property
    def page(self) -> ModelPage:
        """The page at the right, made when there is first a model to show."""
        if self._page is None:
            self._page = ModelPage(self._body)
            self._columns.addWidget(self._page)
            self._connect_page(self._page)
            self._fit()
        return self._page

    def _show_page(self) -> None:
        if self._page is None:
            self._page_soon.start()  # it takes long enough to make for a turn of its own
            return
        self._page.setVisible(self.model is not None)
        if self.model is not None:
            running, latest = self.jobs.running().get(self.model.id), self.jobs.of(self.model.id)
            self._page.show_model(self.model, running, latest)
            self._show_files()

    def _make_page(self) -> None:
        if self.model is not None:
            self.page.begin()
            QTimer.singleShot(0, self._show_page)

    def _ask(self) -> None:
        if self.model is not None:
            self.forecaster.ask(self.model)

    def _on_forecast(self, model_id: str, found: object, can_measure: bool) -> None:
        if self.model is not None and model_id == self.model.id:
            self.page.forecast.show_found(self.model, found, can_measure=can_measure)  # type: ignore[arg-type]

    def _on_no_forecast(self, model_id: str, why: str) -> None:
        if self.model is not None and model_id == self.model.id:
            self.page.forecast.show_error(why)

    # ---- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        listing = Card(padding=0, parent=self._body)
        listing.body.setSpacing(0)
        listing.body.addWidget(self.table, 1)
        beside = QVBoxLayout()  # a label's own margins would not survive another theme
        beside.setContentsMargins(16, 16, 16, 16)
        beside.addWidget(self._nothing, 0, Qt.AlignmentFlag.AlignTop)
        listing.body.addLayout(beside)
        self._columns.setContentsMargins(SIDE, SIDE, SIDE, SIDE)
        self._columns.setSpacing(20)
        left = QVBoxLayout()
        left.setSpacing(16)
        left.addWidget(self.transfers)
        left.addWidget(listing, 1)
        self._columns.addLayout(left, 1)
        self._empty.addWidget(
            EmptyState("boxes", self.tr("One moment"), self.tr("Models are listed as soon as the service has started."))
        )
        self._empty.addWidget(self._no_models())
        self._pages.addWidget(self._body)
        self._pages.addWidget(self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.header, Hairline(), self._pages):
            column.addWidget(widget)

    def _no_models(self) -> EmptyState:
        text = self.tr("The service knows no model, not even its own. Look in Settings which folder it uses.")
        page = EmptyState("boxes", self.tr("No models"), text)
        button = Button(self.tr("Open Settings"), "secondary", "settings")
        button.clicked.connect(lambda: self.frame.show_view("settings"))
        page.add_action(button)
        return page

    def _connect(self) -> None:
        self.session.models_changed.connect(self._on_models)
        self.session.state_changed.connect(lambda _state: self._on_models())
        self.jobs.changed.connect(self._on_job)
        self.jobs.listed.connect(self._on_models)
        self.header.filtered.connect(self._filter)
        self.header.import_wanted.connect(lambda: self.frame.import_models())
        self.session.transfers.changed.connect(lambda _job: self._on_transfers())
        self.session.transfers.listed.connect(self._on_transfers)
        self.transfers.cancel_wanted.connect(self.requests.cancel)
        self.transfers.again_wanted.connect(self._begin_again)
        self.transfers.dismissed.connect(self.session.transfers.dismiss)
        self.verification.changed.connect(lambda _model: self._show_files())
        self.header.storage_wanted.connect(lambda: self.frame.show_view("storage"))
        self.header.search.moved.connect(lambda _by: self.table.setFocus())
        self.header.search.returnPressed.connect(self.table.setFocus)
        self.table.key_chosen.connect(self.choose)
        self.table.opened.connect(self._open)
        self.table.menu_wanted.connect(self._open_menu)
        self.requests.said.connect(self.frame.toast)
        self.requests.settled.connect(self._show_page)
        self.forecaster.found.connect(self._on_forecast)
        self.forecaster.failed.connect(self._on_no_forecast)
        self._page_soon.timeout.connect(self._make_page)

    def _connect_page(self, page: ModelPage) -> None:
        page.details.load_wanted.connect(lambda: self._with_model(self.requests.load))
        page.details.unload_wanted.connect(lambda: self._with_model(self.requests.unload))
        page.details.use_wanted.connect(lambda: self._with_model(self._use))
        page.details.folder_wanted.connect(lambda: self._with_model(self.requests.show_folder))
        page.details.delete_wanted.connect(lambda: self._with_model(self.requests.remove))
        page.details.pin_wanted.connect(lambda pinned: self._update("pinned", pinned))
        page.options.changed.connect(self._update)
        page.preparation.prepare_wanted.connect(lambda: self._with_model(self.requests.prepare))
        page.preparation.cancel_wanted.connect(self._cancel)
        page.files.verify_wanted.connect(lambda: self._with_model(self.verification.verify))
        page.files.export_wanted.connect(lambda: self._with_model(self.export))
        page.files.import_wanted.connect(lambda: self.frame.import_models())
        page.files.download_wanted.connect(self._show_download)
        self.forecaster.asked.connect(lambda: page.forecast.set_busy(busy=True))
        page.forecast.retry_wanted.connect(self._ask)
        page.forecast.measure_wanted.connect(self.forecaster.measure)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        narrow = self.width() < NARROW_BELOW
        edge = 14 if narrow else SIDE
        self._columns.setContentsMargins(edge, edge, edge, edge)
        self._columns.setSpacing(edge)
        if self._page is not None:
            self._page.setFixedWidth(NARROW_PAGE_WIDTH if narrow else PAGE_WIDTH)


def _runs_otherwise(before: ModelInfo | None, now: ModelInfo | None) -> bool:
    """Whether what is predicted of the model in view may be different now."""
    if before is None or now is None:
        return before is not now
    return any(getattr(before, name) != getattr(now, name) for name in FORECAST_DEPENDS_ON)
