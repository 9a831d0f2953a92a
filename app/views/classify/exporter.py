"""Asks where results go, and writes them there with progress and a way to stop."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app import operations
from app.models.results_export import export_csv
from app.models.results_table import ResultsTable
from app.widgets.file_dialog import FileDialog


class Exporter(QObject):
    """One export at a time.

    Signals:
        progressed(object): the share that is done, or None when no export is going on any more.
        written(str): the file that is complete now.
        failed(object): the OSError that prevented it.
    """

    progressed = Signal(object)
    written = Signal(str)
    failed = Signal(object)

    def __init__(self, table: ResultsTable, owner: QWidget) -> None:
        super().__init__(owner)
        self._table = table
        self._owner = owner
        self._operation: operations.Operation[int] | None = None

    @property
    def running(self) -> bool:
        return self._operation is not None and self._operation.running

    def ask(self) -> None:
        """Let the person choose a file; the dialog asks before an existing one is replaced."""
        name = Path(self._table.results.source.name).stem
        dialog = FileDialog(self._owner, self.tr("Export results"), f"{name} results.csv", self.tr("CSV (*.csv)"))
        dialog.setAcceptMode(FileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda path: self.write(Path(path)))
        dialog.open()

    def write(self, path: Path) -> None:
        """Write every row of the list to `path`, replacing what is there once the whole is written."""
        rows: Sequence[int] = range(len(self._table.results))
        self.cancel()
        self._operation = operations.run(
            self,
            export_csv(path, self._table, rows, lambda done, total: self.progressed.emit(done / total)),
            on_success=lambda _rows: self.written.emit(str(path)),
            on_failure=self._on_failure,
            on_finished=lambda: self.progressed.emit(None),
        )
        self.progressed.emit(0.0)

    def cancel(self) -> None:
        """Stop; an unfinished file is taken away."""
        if self._operation is not None:
            self._operation.cancel()

    def _on_failure(self, error: BaseException) -> None:
        if isinstance(error, OSError):
            self.failed.emit(error)
        else:
            operations.report(error)
