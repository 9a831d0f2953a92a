"""A row of small tabs of which exactly one is chosen."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from app.theme import theme

HEIGHT = 26


class SegmentedControl(QWidget):
    """Tabs as badges; arrow keys move between them.

    Signals:
        changed(int): the index of the tab chosen by the person.
    """

    changed = Signal(int)

    def __init__(self, labels: Sequence[str], name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(3, 3, 3, 3)  # room for the focus ring
        row.setSpacing(6)
        for index, label in enumerate(labels):
            segment = Segment(label, self)
            self._group.addButton(segment, index)
            row.addWidget(segment)
        row.addStretch(1)
        self._group.button(0).setChecked(True)
        self._group.idToggled.connect(self._announce)

    def current(self) -> int:
        """The index of the chosen tab."""
        return self._group.checkedId()

    def set_current(self, index: int) -> None:
        """Choose a tab."""
        self._group.button(index).setChecked(True)

    def _announce(self, index: int, checked: bool) -> None:
        if checked:
            self.changed.emit(index)


class Segment(QAbstractButton):
    """One tab of a SegmentedControl."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setAccessibleName(text)
        self.setCheckable(True)
        self.setFont(theme.font("small", "medium"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 20, HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent_soft" if self.isChecked() else "selected"))
        radius = theme.metrics.radii["badge"]
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        painter.setPen(theme.colour("accent_text" if self.isChecked() else "text" if self.underMouse() else "muted"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
