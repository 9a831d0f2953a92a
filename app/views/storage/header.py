"""The head of the Storage view: the way back to the models, and what everything takes together."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.figures import file_size
from app.theme import theme
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.spinner import Spinner
from sidecar.types import StorageInfo


class StorageHeader(QWidget):
    """Signals:
    back_wanted: to the models.
    """

    back_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme.metrics.spacing["header_height"])
        self.back_button = IconButton("chevron-left", self.tr("Back to the models"))
        self.summary = ElidedLabel(role="muted", size="small")
        self.summary.setFont(theme.font("small", tabular=True))
        self._busy = Spinner(self.tr("Looking what lies on the disk"), 14)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 24, 0)
        row.setSpacing(8)
        row.addWidget(self.back_button)
        row.addWidget(Label(self.tr("Storage"), size="title", weight="strong"))
        row.addSpacing(8)
        row.addWidget(self._busy)
        row.addWidget(self.summary, 1)
        self._busy.hide()
        self.back_button.clicked.connect(self.back_wanted)

    def show_info(self, info: StorageInfo) -> None:
        """Sum up."""
        words = self.tr("{0} in the models folder · {1} free")
        self.summary.setText(words.format(file_size(info.folder_bytes), file_size(info.free_bytes)))

    def set_busy(self, busy: bool) -> None:
        """The service is reading the disk."""
        self._busy.setVisible(busy)
