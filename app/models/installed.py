"""The installed models as a table: filtered by words and by task, in the order of a column. Knows no service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum

from PySide6.QtCore import QObject, Qt

from app.figures import ago
from app.model_names import display_name, how_it_runs
from app.model_words import NONE, parameters, size, standing, task
from app.models.rows import NOTE_ROLE, STANDING_ROLE, Index, Rows
from sidecar.types import JobInfo, ModelInfo


class Column(IntEnum):
    MODEL = 0
    RUNS = 1
    STATE = 2
    SIZE = 3
    USED = 4


KEYS: dict[Column, Callable[[ModelInfo], tuple[object, ...]]] = {
    Column.MODEL: lambda model: (display_name(model).casefold(),),
    Column.RUNS: lambda model: (model.engine, model.precision or ""),
    Column.STATE: lambda model: (not model.is_loaded, model.state != "loading", not model.pinned),
    Column.SIZE: lambda model: (-model.size_mb,),
    Column.USED: lambda model: (-(model.last_used_at or 0),),
}


class InstalledModels(Rows[ModelInfo]):
    """One row a model. `jobs` are those that run, by model."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(Column, lambda model: model.id, parent)
        self._all: list[ModelInfo] = []
        self._jobs: Mapping[str, JobInfo] = {}
        self._query, self._task = "", ""
        self._column, self._descending = Column.MODEL, False

    def set_models(self, models: Sequence[ModelInfo], jobs: Mapping[str, JobInfo]) -> None:
        """Show what is known now; rows that stay keep their place on the screen."""
        self._all, self._jobs = list(models), jobs
        self._arrange()

    def filter(self, query: str, task: str) -> None:
        """Show those whose name, task, engine or precision has every word of `query`; `task` is a model type, or empty."""
        self._query, self._task = query.casefold(), task
        self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column, self._descending = Column(column), order == Qt.SortOrder.DescendingOrder
        self._arrange()

    def tasks(self) -> list[str]:
        """The model types there are."""
        return sorted({model.model_type for model in self._all})

    def _titles(self) -> Sequence[str]:
        return (self.tr("Model"), self.tr("Runs with"), self.tr("State"), self.tr("Size"), self.tr("Last used"))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        model, column = self._shown[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(model, column)
        if role == NOTE_ROLE:
            return self._note(model, column)
        if role == STANDING_ROLE and column == Column.STATE:
            return standing(model, self._jobs.get(model.id))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (self._text(model, column), self._note(model, column))))
        return model.id if role == Qt.ItemDataRole.ToolTipRole and column == Column.MODEL else None

    def _text(self, model: ModelInfo, column: Column) -> str:
        match column:
            case Column.MODEL:
                return display_name(model)
            case Column.RUNS:
                return how_it_runs(model)
            case Column.STATE:
                return standing(model, self._jobs.get(model.id)).text
            case Column.SIZE:
                return size(model.size_mb)
            case Column.USED:
                return ago(model.last_used_at) if model.last_used_at else NONE

    def _note(self, model: ModelInfo, column: Column) -> str:
        if column == Column.MODEL:
            return " · ".join(filter(None, (task(model.model_type), parameters(model.parameters_count))))
        return standing(model, self._jobs.get(model.id)).note if column == Column.STATE else ""

    def _arrange(self) -> None:
        found = [model for model in self._all if self._matches(model)]
        found.sort(key=lambda model: (display_name(model).casefold(), model.id))
        found.sort(key=KEYS[self._column], reverse=self._descending)
        self._show(found)

    def _matches(self, model: ModelInfo) -> bool:
        if self._task and model.model_type != self._task:
            return False
        words = f"{model.id} {display_name(model)} {task(model.model_type)} {how_it_runs(model)}".casefold()
        return all(word in words for word in self._query.split())
