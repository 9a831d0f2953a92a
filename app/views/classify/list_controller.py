"""What happens to a list: reading it, running it, filtering, copying. Joins the card to the models behind it."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app import operations
from app.models.arrangement import Column
from app.models.arranger import Arranger
from app.models.batch import Ask, BatchRunner
from app.models.pacing import Pacer
from app.models.result_list import Counts, ResultList, TextList
from app.models.results_table import ResultsTable
from app.models.text_files import TextFile, open_text_file, read_lines, read_texts
from app.views.classify.list_card import ListCard
from app.widgets.probability_row import percent_text

REFRESH_MS = 100  # answers may come a hundred times a second; nobody reads figures that fast


class ListController(QObject):
    """One list at a time. `start` needs `model` and `ask` to be set.

    Signals:
        loaded: another list is there (or none).
        changed: progress, counts or state.
        replaced(object): a list with results gave way; call it to bring that back.
        failed(object): the error for which a list could not be read.
        copied(int): so many rows are on the clipboard.
    """

    loaded = Signal()
    changed = Signal()
    replaced = Signal(object)
    failed = Signal(object)
    copied = Signal(int)

    def __init__(self, ask: Callable[[str], Ask], parent: QWidget) -> None:
        super().__init__(parent)
        self.model = ""  # whom a start would ask
        self.asked_model = ""  # whose the results are
        self.file: TextFile | None = None
        self.table = ResultsTable(self)
        self.card = ListCard(self.table, parent)
        self.arranger = Arranger(self.table, self)
        self._ask = ask
        self._soon = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._soon.timeout.connect(self.refresh)
        self._reading: operations.Operation[Any] | None = None
        self._running: operations.Operation[None] | None = None
        self.runner = self._new_runner()
        self._connect()

    @property
    def results(self) -> ResultList:
        return self.table.results

    @property
    def active(self) -> bool:
        """Whether a run is going on, even if it pauses."""
        return self.runner.state in ("running", "waiting", "paused")

    def counts(self) -> Counts:
        """Rows per label at the present threshold."""
        return self.results.counts(self.table.threshold)

    # ---- reading ----------------------------------------------------------------------------------------------------

    def open_file(self, path: Path) -> None:
        """Read a TXT or CSV file; `loaded` or `failed` follows."""
        self._read(self._open(path))

    def open_lines(self, text: str, *, start: bool = False) -> None:
        """Take the lines of a text, and with `start` classify them at once."""
        self._read(self._lines(text), start=start)

    def close_list(self) -> None:
        """No list any more; can be undone."""
        self._replace(TextList("", [], range(0)), None)

    def _read(self, reading: Coroutine[Any, Any, tuple[TextList, TextFile | None]], *, start: bool = False) -> None:
        if self._reading is not None:
            self._reading.cancel()

        def take(found: tuple[TextList, TextFile | None]) -> None:
            self._replace(*found)
            if start:
                self.start()

        self._reading = operations.run(self, reading, on_success=take, on_failure=self.failed.emit)

    async def _open(self, path: Path) -> tuple[TextList, TextFile | None]:
        file = await open_text_file(path)
        return await read_texts(file), file

    async def _again(self, file: TextFile) -> tuple[TextList, TextFile | None]:
        return await read_texts(file), file

    async def _lines(self, text: str) -> tuple[TextList, TextFile | None]:
        return await read_lines(self.tr("Pasted list"), text), None

    def _replace(self, source: TextList, file: TextFile | None) -> None:
        before = (self.results, self.file, self.asked_model)
        self.cancel()
        self._show(ResultList(source), file, "")
        if before[0].classified:
            self.replaced.emit(partial(self._show, *before))

    def _show(self, results: ResultList, file: TextFile | None, asked_model: str) -> None:
        self.cancel()
        self.file, self.asked_model = file, asked_model
        self.arranger.reset()
        self.table.set_results(results)
        self.runner = self._new_runner()
        self.card.reset_filter()
        self.card.hide_error()
        self.card.view.show_source_order()
        self.card.line.show_source(results.source)
        self.card.show_columns(*((file.columns, file.column, file.has_header) if file else ((), 0, False)))
        self.refresh()
        self.loaded.emit()

    def _choose_column(self, column: int) -> None:
        if self.file is not None:
            self._read(self._again(replace(self.file, column=column)))

    def _toggle_header(self, has_header: bool) -> None:
        if self.file is not None:
            self._read(self._again(self.file.with_header(has_header)))

    # ---- running ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Classify what waits; everything anew if the results are another model's. Nothing without a model."""
        if self.active or not self.model:
            return
        if self.asked_model != self.model:
            self.results.clear()
            self.asked_model = self.model
        self._run()

    def retry(self) -> None:
        """Classify the failed rows again, with the model that the others had."""
        self.results.retry_failures()
        self._run()

    def cancel(self) -> None:
        """End the run; what is finished stays."""
        if self._running is not None:
            self._running.cancel()

    def _run(self) -> None:
        self.runner = self._new_runner()
        self.card.hide_error()
        self._running = operations.run(self, self.runner.run())

    def _new_runner(self) -> BatchRunner:
        runner = BatchRunner(self.results, self._ask(self.asked_model), self)
        runner.progressed.connect(self._on_progress)
        runner.state_changed.connect(partial(self._on_state, runner))
        return runner

    def _on_progress(self, first: int, last: int) -> None:
        self.table.refresh(first, last)
        self.arranger.results_changed()
        if not self._soon.isActive():
            self._soon.start()

    def _on_state(self, runner: BatchRunner, _state: str) -> None:
        if runner is not self.runner:
            runner.deleteLater()
            return
        if runner.error is not None and runner.state == "stopped":
            self.card.show_error(self.tr("The list could not be finished"), runner.error.message)
        self.table.refresh()
        self.arranger.results_changed()
        self.refresh()

    # ---- showing ----------------------------------------------------------------------------------------------------

    def set_threshold(self, threshold: float) -> None:
        """Decide every row anew."""
        self.table.set_threshold(threshold)
        self.arranger.results_changed()
        self.refresh()

    def refresh(self) -> None:
        """Show counts, progress and what can be done now."""
        counts = self.counts()
        self.card.show_counts(counts, len(self.results))
        self.card.line.show_run(self.runner, counts, self._start_words(counts))
        self.card.line.start.setEnabled(bool(self.model))
        self.card.show_source_choice(not self.active)
        self.changed.emit()

    def copy(self) -> None:
        """Put the selected rows on the clipboard, as spreadsheets take them."""
        operations.run(self, self._copied(self.card.view.selected_rows()), on_success=self._put_on_clipboard)

    async def _copied(self, shown_rows: Sequence[int]) -> list[str]:
        pacer = Pacer()
        lines = []
        for row in [self.table.source_row(shown) for shown in shown_rows]:
            top = self.results.top(row)
            text = " ".join(self.results.source.texts[row].split())
            cells = (text, self.table.label_text(row), percent_text(top) if top >= 0 else "")
            lines.append("\t".join((*cells, f"{self.results.source.numbers[row]}")))
            await pacer.breathe()
        return lines

    def _put_on_clipboard(self, lines: list[str]) -> None:
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))
            self.copied.emit(len(lines))

    def _start_words(self, counts: Counts) -> str:
        total = len(self.results)
        if self.results.classified and self.asked_model != self.model:
            return self.tr("Classify again")
        if not counts.waiting:
            return ""
        if counts.waiting < total:
            return self.tr("Classify the other {0}").format(f"{counts.waiting:,}")
        return self.tr("Classify {0} texts").format(f"{total:,}") if total != 1 else self.tr("Classify 1 text")

    def _connect(self) -> None:
        line, card = self.card.line, self.card
        line.start_wanted.connect(self.start)
        line.pause_wanted.connect(lambda: self.runner.pause())
        line.resume_wanted.connect(lambda: self.runner.resume())
        line.cancel_wanted.connect(self.cancel)
        line.retry_wanted.connect(self.retry)
        line.close_wanted.connect(self.close_list)
        card.again.clicked.connect(self.start)
        card.searched.connect(lambda text: self.arranger.want(search=text))
        card.label_chosen.connect(lambda label: self.arranger.want(label=label))
        card.column_chosen.connect(self._choose_column)
        card.header_toggled.connect(self._toggle_header)
        card.view.sort_wanted.connect(lambda column, down: self.arranger.want(column=Column(column), descending=down))
        card.view.copy_wanted.connect(self.copy)
