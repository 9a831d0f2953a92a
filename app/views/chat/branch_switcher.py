"""Steps between the versions of a message: "2 / 3" with an arrow on each side."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.widgets.icon_button import IconButton
from app.widgets.label import Label


class BranchSwitcher(QWidget):
    """Hidden while there is only one version.

    Signals:
        step_requested(int): -1 or 1.
    """

    step_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.previous = IconButton("chevron-left", self.tr("Previous version"), size=24, icon_size=14)
        self.next = IconButton("chevron-right", self.tr("Next version"), size=24, icon_size=14)
        self._place = Label("", "muted", "small", tabular=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for widget in (self.previous, self._place, self.next):
            row.addWidget(widget)
        self.previous.clicked.connect(lambda: self.step_requested.emit(-1))
        self.next.clicked.connect(lambda: self.step_requested.emit(1))
        self.show_place(0, 1)

    def show_place(self, index: int, count: int) -> None:
        """Show version `index` (from 0) of `count`."""
        self._place.setText(f"{index + 1} / {count}")
        self.setAccessibleName(self.tr("Version {0} of {1}").format(index + 1, count))
        self.previous.setEnabled(index > 0)
        self.next.setEnabled(index + 1 < count)
        self.setVisible(count > 1)
