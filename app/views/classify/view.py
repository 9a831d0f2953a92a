"""The Classify view: one text or a list, with a trained classifier. Joins header, cards and the list to the service."""

from pathlib import Path

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.model_names import display_name
from app.models.arrangement import Column
from app.models.batch import Ask
from app.view import Frame, View
from app.views.classify.drop_target import DropTarget
from app.views.classify.exporter import Exporter
from app.views.classify.header import ClassifyHeader
from app.views.classify.input_card import LIST, ONE, InputCard
from app.views.classify.list_controller import ListController
from app.views.classify.pages import ask_for_file, bind, no_list_page, no_model_page
from app.views.classify.presenter import Presenter
from app.views.classify.result_card import ResultCard
from app.views.classify.single_text import SingleText
from app.widgets.command_palette import Command
from app.widgets.hairline import Hairline
from sidecar.errors import InglenookError
from sidecar.types import ClassifyBatchResponse, ClassifyRequest, ModelInfo

DEFAULT_THRESHOLD = 0.5
SIDE = 24
COMPACT_BELOW = 720  # logical pixels of height
NARROW_BELOW = 860  # and of width
WIDE_SHARES, NARROW_SHARES = (15, 9), (14, 11)  # the text, the result


class ClassifyView(View):
    """A page of the window; see the package's modules for its parts."""

    name = "classify"
    title = "Classify"
    icon = "tag"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.model: ModelInfo | None = None
        self.header = ClassifyHeader(self)
        self._pages = QStackedWidget(self)
        self._page = QWidget(self._pages)
        self._body = QVBoxLayout(self._page)
        self._top = QWidget(self._page)
        self._below = QStackedWidget(self._page)
        self.input = InputCard(self._top)
        self.result = ResultCard(self._top)
        self.single = SingleText(self.session, self)
        self.list = ListController(self._asker, self._below)
        self.exporter = Exporter(self.list.table, self)
        self.presenter = Presenter(self.result, self.single, self.list, self)
        self._chosen_row = -1
        self._lay_out()
        self._connect()
        self._restore()
        self._on_models()
        self._show_result()

    # ---- View -------------------------------------------------------------------------------------------------------

    def activated(self) -> None:
        self.input.editor().setFocus()

    def commands(self) -> list[Command]:
        if self.model is None:
            return []
        section = self.tr("Classify")
        commands = [
            Command("classify-one", self.tr("Classify a text"), lambda: self._go(ONE), section, "tag"),
            Command("classify-list", self.tr("Classify a list of texts"), lambda: self._go(LIST), section, "list"),
            Command("classify-open", self.tr("Open a list of texts…"), self._open_from_palette, section, "file-up"),
            Command("classify-model", self.tr("Choose a classifier…"), self._choose_model, section, "tags"),
        ]
        if self.list.results.classified:
            commands.append(
                Command("classify-export", self.tr("Export results…"), self.exporter.ask, section, "download")
            )
            commands += [self._sort_command(column) for column in Column]
        return commands

    def closing(self) -> None:
        text = self.input.one.toPlainText()
        self.preferences.put("drafts", self.name, text)

    # ---- what the person wants --------------------------------------------------------------------------------------

    def submit(self) -> None:
        """Classify what is in front: the text, or every line."""
        if not self.input.text().strip():
            return
        if self.input.mode() == LIST:
            self.list.open_lines(self.input.text(), start=True)
            return
        self.list.card.view.clearSelection()
        if self.model is None:
            self.single.wait()  # the service is starting; `_set_model` goes on
        else:
            self.single.ask(self.input.text(), self.model)

    def open_file(self, path: str) -> None:
        """Show a TXT or CSV file as a list, ready to be classified."""
        self.input.set_mode(LIST)
        self.list.open_file(Path(path))

    def use_model(self, model_id: str) -> None:
        self.choose(model_id)

    def choose(self, model_id: str) -> None:
        """Use another classifier from now on; answers of the one before are not mixed with its own."""
        self.preferences.put("chosen", self.name, model_id)
        self._set_model(self.session.model(model_id))
        self.single.clear()

    def classifiers(self) -> list[ModelInfo]:
        """The models that can be chosen here."""
        return [model for model in self.session.models if model.model_type == "classification"]

    def _asker(self, model_id: str) -> Ask:
        async def ask(texts: list[str]) -> ClassifyBatchResponse:
            client = self.session.client
            response = await client.classify(model_id, ClassifyRequest(texts=texts, truncate=True))
            if not isinstance(response, ClassifyBatchResponse):
                raise TypeError(f"a list was sent, a {type(response).__name__} came back")
            return response

        return ask

    def _export(self) -> None:
        if self.exporter.running:
            self.exporter.cancel()
        elif self.list.results.classified:
            self.exporter.ask()

    def _open(self) -> None:
        ask_for_file(self, self.open_file)

    def _open_from_palette(self) -> None:
        self._go(LIST)
        self._open()

    def _choose_model(self) -> None:
        self.frame.show_view(self.name)
        self.header.picker.open_popup()

    def _show_model(self) -> None:
        self.frame.show_view("models").use_model(self.model.id if self.model else "")

    def _go(self, mode: int) -> None:
        self.frame.show_view(self.name)
        self.input.set_mode(mode)
        self.input.editor().setFocus()

    def _sort_command(self, column: Column) -> Command:
        name = self.list.table.headerData(column, self.list.card.view.horizontalHeader().orientation())
        title = self.tr("Sort results by {0}").format(name)
        return Command(
            f"classify-sort-{column}", title, lambda: self.list.card.view.sort_by(column), self.tr("Classify")
        )

    # ---- what changed -----------------------------------------------------------------------------------------------

    def _on_models(self) -> None:
        classifiers = self.classifiers()
        wanted = self.model.id if self.model else self.preferences.table.chosen.get(self.name, "")
        known = {model.id: model for model in classifiers}
        self._set_model(known.get(wanted) or next(iter(classifiers), None))
        self.header.show_models(classifiers, self.model.id if self.model else "")
        self._pages.setCurrentIndex(1 if not classifiers and self.session.state.usable else 0)

    def _set_model(self, model: ModelInfo | None) -> None:
        before, self.model = self.model, model
        self.list.model = model.id if model else ""
        self.header.set_usable(models=model is not None, export=self.list.results.classified > 0)
        if model is not None and (before is None or before.id != model.id):
            known = self.preferences.table.chosen.get(_threshold_key(model.id), "")
            self.result.slider.set_value(float(known) if known else DEFAULT_THRESHOLD)
            self.header.show_models(self.classifiers(), model.id)
            self._show_result()
        self.list.refresh()
        if model is not None and self.single.waiting:
            self.submit()

    def _on_threshold(self, threshold: float) -> None:
        self.list.set_threshold(threshold)
        if self.model is not None:
            self.preferences.put("chosen", _threshold_key(self.model.id), f"{threshold:.2f}")

    def _on_row(self, row: int) -> None:
        self._chosen_row = row
        self._show_result()

    def _on_list_changed(self) -> None:
        self.header.set_usable(models=self.model is not None, export=self.list.results.classified > 0)
        if self.input.mode() == LIST or self._chosen_row >= 0:
            self._show_result()

    def _on_list_loaded(self) -> None:
        self._chosen_row = -1
        self._below.setCurrentIndex(1 if len(self.list.results) else 0)
        self._show_result()

    def _on_failed_list(self, error: BaseException) -> None:
        self.frame.error(InglenookError(str(error)) if isinstance(error, Exception) else error)

    def _show_result(self) -> None:
        self.input.set_busy(bool(self.single.busy) and self.input.mode() == ONE)
        self.presenter.show(self._chosen_row, self.input.mode(), display_name(self.model) if self.model else "")

    def _retry(self) -> None:
        if self._chosen_row >= 0 or self.input.mode() == LIST:
            self.list.retry()
        else:
            self.submit()

    # ---- building ---------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._columns = QHBoxLayout(self._top)
        self._columns.setContentsMargins(0, 0, 0, 0)
        self._columns.setSpacing(20)
        self._columns.addWidget(self.input)
        self._columns.addWidget(self.result)
        self._below.addWidget(no_list_page(self._open))
        self._below.addWidget(self.list.card)
        self._body.addWidget(self._top)
        self._body.addWidget(self._below, 1)
        self._pages.addWidget(self._page)
        self._pages.addWidget(no_model_page(lambda: self.frame.show_view("settings")))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.header, Hairline(), self._pages):
            column.addWidget(widget)
        self._drop = DropTarget(self)

    def _connect(self) -> None:
        self.session.models_changed.connect(self._on_models)
        self.session.state_changed.connect(lambda _state: self._on_models())
        self.header.picked.connect(self.choose)
        self.header.picker.more_requested.connect(self._show_model)
        self.header.open_wanted.connect(self._open)
        self.header.export_wanted.connect(self._export)
        self.input.submitted.connect(self.submit)
        self.input.stopped.connect(self.single.stop)
        self.input.mode_changed.connect(lambda _mode: self._show_result())
        self.input.file_wanted.connect(self._open)
        self.input.files_dropped.connect(lambda paths: self.open_file(paths[0]))
        self.input.long_pasted.connect(self.list.open_lines)
        self.result.threshold_changed.connect(self._on_threshold)
        self.result.retry_wanted.connect(self._retry)
        self.single.changed.connect(self._show_result)
        self.list.loaded.connect(self._on_list_loaded)
        self.list.changed.connect(self._on_list_changed)
        self.list.failed.connect(self._on_failed_list)
        self.list.replaced.connect(lambda undo: self.frame.toast(self.tr("The former list is closed"), undo))
        self.list.copied.connect(lambda rows: self.frame.toast(self.tr("{0} rows copied").format(f"{rows:,}")))
        self.list.card.view.row_chosen.connect(self._on_row)
        self.exporter.progressed.connect(self.header.show_exporting)
        self.exporter.written.connect(lambda path: self.frame.toast(self.tr("Written to {0}").format(path)))
        self.exporter.failed.connect(self._on_export_failed)
        self._drop.dropped.connect(self.open_file)
        bind(self, "Ctrl+O", self._open)
        bind(self, "Ctrl+E", self._export)
        bind(self, "Ctrl+F", self.list.card.search.setFocus)

    def _on_export_failed(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        self.frame.error(
            InglenookError(
                self.tr("The results could not be written to {0}: {1}. Choose another place.").format(
                    error.filename or "", reason
                )
            )
        )

    def _restore(self) -> None:
        self.input.one.setPlainText(self.preferences.table.drafts.get(self.name, ""))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        compact = self.height() < COMPACT_BELOW
        edge = 14 if compact else SIDE
        self._body.setContentsMargins(SIDE, edge, SIDE, edge)
        self._body.setSpacing(edge)
        self._top.setFixedHeight(168 if compact else 216)
        for place, share in enumerate(NARROW_SHARES if self.width() < NARROW_BELOW else WIDE_SHARES):
            self._columns.setStretch(place, share)
        self.input.set_compact(compact)
        self.result.set_compact(compact)


def _threshold_key(model_id: str) -> str:
    return f"classify threshold {model_id}"
