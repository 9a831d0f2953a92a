"""The Models view: the models of this machine at the left, the page of the chosen one at the right."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.model_names import display_name
from app.model_words import usable
from app.models.installed import InstalledModels
from app.theme import theme
from app.view import Frame, View
from app.views.models.asking import ModelRequests
from app.views.models.details_card import DetailsCard
from app.views.models.forecast_card import ForecastCard
from app.views.models.forecaster import Forecaster
from app.views.models.header import ModelsHeader
from app.views.models.jobs import ModelJobs
from app.views.models.options_card import OptionsCard
from app.views.models.preparation_card import PreparationCard
from app.views.models.table import ModelTable
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.command_palette import Command
from app.widgets.empty_state import EmptyState
from app.widgets.hairline import Hairline
from app.widgets.label import Label
from sidecar.types import JobInfo, ModelInfo

SIDE = 24
NARROW_BELOW = 900  # logical pixels of the view's width
PAGE_WIDTH, NARROW_PAGE_WIDTH = 412, 380
BESIDE_SCROLL_BAR = 12
FORECAST_DEPENDS_ON = ("id", "version", "is_loaded", "engine", "precision", "quantization", "device", "active_requests")
USES = {"text_generation": "chat", "classification": "classify"}


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
        self.header = ModelsHeader()
        self.table = ModelTable(self.installed)
        self.details = DetailsCard()
        self.forecast = ForecastCard()
        self.preparation = PreparationCard()
        self.options = OptionsCard()
        self._nothing = Label(self.tr("No model matches."), "muted", "control")
        self.page = QScrollArea()
        self._pages = QStackedWidget()
        self._empty = QStackedWidget()
        self._columns = QHBoxLayout()
        self._lay_out()
        self._connect()
        self._on_models()

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
            self.forecast.clear()
            self.page.verticalScrollBar().setValue(0)
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
        if model.model_type in USES and usable(model):
            menu.addAction(theme.icon("arrow-right"), self.tr("Use it"), lambda: self._use(model))
        pin, icon = (self.tr("Unpin"), "pin-off") if model.pinned else (self.tr("Pin"), "pin")
        menu.addAction(theme.icon(icon), pin, lambda: self.requests.update(model, "pinned", not model.pinned))
        menu.addSeparator()
        menu.addAction(theme.icon("folder-open"), self.tr("Show its folder"), lambda: self.requests.show_folder(model))
        return menu

    def _open(self, model_id: str) -> None:
        """Load a model, or go to work with one that is loaded."""
        model = self.session.model(model_id)
        if model is not None and model.is_loaded:
            self._use(model)
        elif model is not None and usable(model):
            self.requests.load(model)

    def _use(self, model: ModelInfo) -> None:
        if model.model_type in USES:
            self.frame.show_view(USES[model.model_type]).use_model(model.id)

    def _search(self) -> None:
        self.frame.show_view(self.name)
        self.header.search.setFocus()

    def _filter(self, words: str, task: str) -> None:
        self.installed.filter(words, task)
        self._nothing.setVisible(not self.installed.rowCount())

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
        self._nothing.setVisible(not self.installed.rowCount())
        self._pages.setCurrentIndex(0 if models else 1)
        self._empty.setCurrentIndex(1 if self.session.models_known else 0)
        self.model = self.session.model(self.model.id if self.model else "") or self.installed.model_at(0)
        if self.model is not None:
            self.table.choose(self.model.id)
        self._show_page()

    def _on_job(self, job: JobInfo) -> None:
        self._show_models()
        if job.state == "done":
            self.frame.toast(job.message)

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

    def _show_page(self) -> None:
        self.page.setVisible(self.model is not None)
        if self.model is None:
            return
        self.details.show_model(self.model, self.jobs.running().get(self.model.id))
        self.preparation.show_model(self.model, self.jobs.of(self.model.id))
        self.options.show_model(self.model)

    def _ask(self) -> None:
        if self.model is not None:
            self.forecaster.ask(self.model)

    def _on_forecast(self, model_id: str, found: object, can_measure: bool) -> None:
        if self.model is not None and model_id == self.model.id:
            self.forecast.show_found(self.model, found, can_measure=can_measure)  # type: ignore[arg-type]

    def _on_no_forecast(self, model_id: str, why: str) -> None:
        if self.model is not None and model_id == self.model.id:
            self.forecast.show_error(why)

    # ---- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        listing = Card(padding=0)
        listing.body.setSpacing(0)
        listing.body.addWidget(self.table, 1)
        self._nothing.setContentsMargins(16, 16, 16, 16)
        listing.body.addWidget(self._nothing)
        self._columns.setContentsMargins(SIDE, SIDE, SIDE, SIDE)
        self._columns.setSpacing(20)
        self._columns.addWidget(listing, 1)
        self._columns.addWidget(self._scrolled())
        body = QWidget()
        body.setLayout(self._columns)
        self._empty.addWidget(
            EmptyState("boxes", self.tr("One moment"), self.tr("Models are listed as soon as the service has started."))
        )
        self._empty.addWidget(self._no_models())
        self._pages.addWidget(body)
        self._pages.addWidget(self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.header, Hairline(), self._pages):
            column.addWidget(widget)

    def _scrolled(self) -> QScrollArea:
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, BESIDE_SCROLL_BAR, 0)
        column.setSpacing(16)
        for card in (self.details, self.forecast, self.preparation, self.options):
            column.addWidget(card)
        column.addStretch(1)
        inside = QWidget()
        inside.setLayout(column)
        self.page.setWidget(inside)
        self.page.setWidgetResizable(True)
        self.page.setFrameShape(QScrollArea.Shape.NoFrame)
        self.page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return self.page

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
        self.header.search.moved.connect(lambda _by: self.table.setFocus())
        self.header.search.returnPressed.connect(self.table.setFocus)
        self.table.model_chosen.connect(self.choose)
        self.table.opened.connect(self._open)
        self.table.menu_wanted.connect(self._open_menu)
        self.details.load_wanted.connect(lambda: self._with_model(self.requests.load))
        self.details.unload_wanted.connect(lambda: self._with_model(self.requests.unload))
        self.details.use_wanted.connect(lambda: self._with_model(self._use))
        self.details.folder_wanted.connect(lambda: self._with_model(self.requests.show_folder))
        self.details.pin_wanted.connect(lambda pinned: self._update("pinned", pinned))
        self.options.changed.connect(self._update)
        self.preparation.prepare_wanted.connect(lambda: self._with_model(self.requests.prepare))
        self.preparation.cancel_wanted.connect(self._cancel)
        self.requests.said.connect(self.frame.toast)
        self.requests.settled.connect(self._show_page)
        self.forecaster.asked.connect(lambda: self.forecast.set_busy(busy=True))
        self.forecaster.found.connect(self._on_forecast)
        self.forecaster.failed.connect(self._on_no_forecast)
        self.forecast.retry_wanted.connect(self._ask)
        self.forecast.measure_wanted.connect(self.forecaster.measure)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW_BELOW
        self.page.setFixedWidth(NARROW_PAGE_WIDTH if narrow else PAGE_WIDTH)
        edge = 14 if narrow else SIDE
        self._columns.setContentsMargins(edge, edge, edge, edge)
        self._columns.setSpacing(edge)


def _runs_otherwise(before: ModelInfo | None, now: ModelInfo | None) -> bool:
    """Whether what is predicted of the model in view may be different now."""
    if before is None or now is None:
        return before is not now
    return any(getattr(before, name) != getattr(now, name) for name in FORECAST_DEPENDS_ON)
