"""The head of the Models view: title, search, the tasks there are, and what is in memory altogether."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.figures import memory
from app.model_words import task
from app.theme import theme
from app.widgets.button import Button
from app.widgets.choice_field import ChoiceField
from app.widgets.elided_label import ElidedLabel
from app.widgets.label import Label
from app.widgets.search_field import SearchField
from sidecar.types import ModelInfo

SEARCH_WIDTH = 320
SUMMARY_FROM = 800  # the header's width from which it sums up; the status bar tells most of it anyway


class ModelsHeader(QWidget):
    """Signals:
    filtered(str, str): words, and a model type or nothing.
    import_wanted: bring models that are on this machine already.
    storage_wanted: what takes space.
    """

    filtered = Signal(str, str)
    import_wanted = Signal()
    storage_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme.metrics.spacing["header_height"])
        self.search = SearchField(self.tr("Search"))
        self.search.setAccessibleName(self.tr("Search models"))
        self.search.setMaximumWidth(SEARCH_WIDTH)
        self.tasks = ChoiceField(self.tr("Task"), [("", self.tr("Any task"))])
        self.summary = ElidedLabel(role="muted", size="small")
        self.import_button = Button(self.tr("Import…"), "secondary", "file-up")
        self.import_button.setToolTip(self.tr("Models that are on this machine already, a file, a folder, an address"))
        self.storage_button = Button(self.tr("Storage"), "ghost", "hard-drive")
        self.storage_button.setToolTip(self.tr("What takes space, the trash, moving the models folder"))
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 0, 24, 0)
        row.setSpacing(12)
        row.addWidget(Label(self.tr("Models"), size="title", weight="strong"))
        row.addWidget(self.search, 2)
        row.addWidget(self.tasks)
        row.addStretch(1)
        row.addWidget(self.summary)
        row.addWidget(self.import_button)
        row.addWidget(self.storage_button)
        self.import_button.clicked.connect(self.import_wanted)
        self.storage_button.clicked.connect(self.storage_wanted)
        self.search.textChanged.connect(lambda _text: self._say())
        self.tasks.chosen.connect(lambda _task: self._say())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.summary.setVisible(self.width() >= SUMMARY_FROM)

    def show_models(self, models: Sequence[ModelInfo]) -> None:
        """Offer the tasks that occur, and sum up."""
        found = [("", self.tr("Any task")), *((kind, task(kind)) for kind in sorted({m.model_type for m in models}))]
        chosen = self.tasks.value()
        self.tasks.set_choices(found)
        self.tasks.set_value(chosen, task(chosen))
        loaded = [model for model in models if model.is_loaded]
        held = memory(sum(model.memory_usage_mb or 0 for model in loaded))
        installed = self.tr("1 model") if len(models) == 1 else self.tr("{0} models").format(len(models))
        in_memory = self.tr("{0} in memory, {1}").format(len(loaded), held) if loaded else self.tr("none in memory")
        self.summary.setText(f"{installed} · {in_memory}")

    def _say(self) -> None:
        self.filtered.emit(self.search.text().strip(), self.tasks.value())
