"""Keeps a ResultsTable in the order and filter that were asked for, while results are still coming in."""

from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, QTimer

from app import operations
from app.models.arrangement import Arrangement, arrange
from app.models.results_table import ResultsTable

LEAST_PAUSE_S = 0.4
REST = 4  # it works at most a fifth of the time, however long the list


class Arranger(QObject):
    """Arranges anew when asked, and now and then when results change."""

    def __init__(self, table: ResultsTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = Arrangement()
        self._table = table
        self._operation: operations.Operation[Sequence[int]] | None = None
        self._took_s = 0.0
        self._later = QTimer(self, singleShot=True)
        self._later.timeout.connect(self._arrange)

    def want(self, **changes: Any) -> None:
        """Change fields of the Arrangement."""
        wanted = replace(self.wanted, **changes)
        if wanted != self.wanted:
            self.wanted = wanted
            self._arrange()

    def reset(self) -> None:
        """Every row in the list's own order; for a new list."""
        self._stop()
        self.wanted = Arrangement()

    def results_changed(self) -> None:
        """New answers, or another threshold: the order may be wrong now."""
        if self.wanted.follows_results and not self._later.isActive():
            self._later.start(round(1000 * max(LEAST_PAUSE_S, REST * self._took_s)))

    def _arrange(self) -> None:
        self._stop()
        began = monotonic()
        arranging = arrange(self._table.results, self.wanted, self._table.threshold)

        def take(order: Sequence[int]) -> None:
            self._took_s = monotonic() - began
            self._table.set_order(order)

        self._operation = operations.run(self, arranging, on_success=take)

    def _stop(self) -> None:
        self._later.stop()
        if self._operation is not None:
            self._operation.cancel()
            self._operation = None
