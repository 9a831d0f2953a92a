"""The head of the Classify view: title, the classifier in use, opening and exporting lists."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.model_names import display_name, how_it_runs
from app.theme import theme
from app.widgets.button import Button
from app.widgets.label import Label
from app.widgets.model_picker import ModelItem, ModelPicker
from app.widgets.pill import Pill, Tone
from sidecar.types import ModelInfo

MARGIN = 24


class ClassifyHeader(QWidget):
    """Signals:
    picked(str): another model's id.
    open_wanted, export_wanted: the buttons; export_wanted also while `show_exporting`, and then means cancel.
    """

    picked = Signal(str)
    open_wanted = Signal()
    export_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme.metrics.spacing["header_height"])
        self.picker = ModelPicker(self.tr("About these models…"))
        self._memory = Pill("")
        self.open_button = Button(self.tr("Open list"), "secondary", "file-up")
        self.open_button.setToolTip(self.tr("A TXT or CSV file, up to 100 MB (Ctrl+O)"))
        self.export_button = Button(self.tr("Export"), "secondary", "download")
        self.export_button.setToolTip(self.tr("Write the list's results as CSV (Ctrl+E)"))
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 0, MARGIN, 0)
        row.setSpacing(12)
        row.addWidget(Label(self.tr("Classify"), size="title", weight="strong"))
        row.addWidget(self.picker)
        row.addWidget(self._memory)
        row.addStretch(1)
        row.addWidget(self.open_button)
        row.addWidget(self.export_button)
        self.picker.picked.connect(self.picked)
        self.open_button.clicked.connect(self.open_wanted)
        self.export_button.clicked.connect(self.export_wanted)

    def show_models(self, models: Sequence[ModelInfo], current: str) -> None:
        """Offer the classifiers, and say of the current one whether it is in memory."""
        self.picker.set_items([_item(model) for model in models])
        self.picker.set_current(current)
        model = next((model for model in models if model.id == current), None)
        self._memory.setVisible(model is not None)
        if model is not None:
            self._memory.set_state(*self._memory_words(model))

    def set_usable(self, *, models: bool, export: bool) -> None:
        """Whether there is anything to choose from, and anything to export."""
        self.picker.setEnabled(models)
        self.export_button.setEnabled(export)

    def show_exporting(self, share: float | None) -> None:
        """How much of an export is done; None when none is going on."""
        cancel = share is not None
        self.export_button.setText(
            self.tr("Cancel · {0} %").format(int(100 * (share or 0))) if cancel else self.tr("Export")
        )
        self.export_button.set_icon("x" if cancel else "download")

    def _memory_words(self, model: ModelInfo) -> tuple[str, Tone]:
        words: dict[str, tuple[str, Tone]] = {
            "loaded": (self.tr("in memory"), "ok"),
            "loading": (self.tr("loading"), "accent"),
            "unloaded": (self.tr("not in memory"), "neutral"),
        }
        return words[model.state]


def _item(model: ModelInfo) -> ModelItem:
    return ModelItem(model.id, display_name(model), how_it_runs(model), model.model_type, model.is_loaded)
