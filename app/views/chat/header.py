"""The head of the Chat view: the model of this chat and its state, sampling, export."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from app.model_names import display_name, how_it_runs
from app.theme import theme
from app.widgets.button import Button
from app.widgets.icon_button import IconButton
from app.widgets.model_picker import ModelItem, ModelPicker
from app.widgets.pill import Pill
from app.widgets.spinner import Spinner
from sidecar.types import ModelInfo

TASK = "text_generation"


class ChatHeader(QWidget):
    """A row of fixed height.

    Signals:
        picked(str): another model's id.
        sampling_requested: open or close the drawer.
        export_requested(str): "markdown" or "json".
        list_requested: show or hide the list of chats.
    """

    picked = Signal(str)
    sampling_requested = Signal()
    export_requested = Signal(str)
    list_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme.metrics.spacing["header_height"])
        self.list_button = IconButton("list", self.tr("Show or hide the chats (Ctrl+B)"))
        self.picker = ModelPicker(self.tr("About these models…"))
        self.memory = Pill("")
        self.loading = Spinner(self.tr("Loading the model"), 16)
        self.sampling_button = Button(self.tr("Sampling"), "ghost", "sliders-horizontal")
        self.sampling_button.setCheckable(True)
        self.export_button = IconButton("share", self.tr("Export this chat"))
        self._lay_out()
        self.list_button.clicked.connect(self.list_requested)
        self.picker.picked.connect(self.picked)
        self.sampling_button.clicked.connect(self.sampling_requested)
        self.export_button.clicked.connect(self._open_export)
        self.show_models([], "")

    def show_models(self, models: Sequence[ModelInfo], current: str) -> None:
        """Offer the models that can generate text, and say of the current one whether it is in memory."""
        able = [model for model in models if model.model_type == TASK]
        items = [model_item(model) for model in able]
        model = next((model for model in able if model.id == current), None)
        if current and model is None:
            items.append(ModelItem(current, current, self.tr("not installed"), TASK))
        self.picker.set_items(items)
        self.picker.set_current(current)
        self.memory.setVisible(model is not None and model.state != "loading")
        self.loading.setVisible(model is not None and model.state == "loading")
        if model is not None and model.state == "loaded":
            self.memory.set_state(self.tr("in memory"), "ok")
        elif model is not None:
            self.memory.set_state(self.tr("loads when asked"), "neutral")

    def show_sampling(self, *, is_open: bool, customised: bool) -> None:
        """Mark the button while the drawer is open, and say when the chat differs from the model's default."""
        self.sampling_button.setChecked(is_open)
        self.sampling_button.setText(self.tr("Sampling: own") if customised else self.tr("Sampling"))
        self.sampling_button.setToolTip(self.tr("How the next word is chosen (Ctrl+.)"))

    def export_menu(self) -> QMenu:
        """The two kinds of file."""
        menu = QMenu(self)
        for kind, title in (("markdown", self.tr("Export as Markdown…")), ("json", self.tr("Export as JSON…"))):
            menu.addAction(theme.icon("file-text"), title, lambda kind=kind: self.export_requested.emit(kind))
        return menu

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 0, 24, 0)
        row.setSpacing(12)
        for widget in (self.list_button, self.picker, self.memory, self.loading):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.sampling_button)
        row.addWidget(self.export_button)
        self.list_button.hide()

    def _open_export(self) -> None:
        menu = self.export_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        corner = self.export_button.mapToGlobal(self.export_button.rect().bottomRight())
        menu.popup(corner - QPoint(menu.sizeHint().width(), 0))  # the button stands at the window's edge


def model_item(model: ModelInfo) -> ModelItem:
    """A model as the picker shows it."""
    return ModelItem(model.id, display_name(model), how_it_runs(model), model.model_type, model.is_loaded)
