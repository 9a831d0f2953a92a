"""A page of one column in the middle, never wider than is good to read, that scrolls when it is too high."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

Margins = tuple[int, int, int, int]


class CentredColumn(QScrollArea):
    """Shows `column`, at most `width` wide, with `margins` (left, top, right, bottom) around it; logical pixels."""

    def __init__(self, column: QVBoxLayout, width: int, margins: Margins, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column.setContentsMargins(0, 0, 0, 0)
        inside = QWidget()
        inside.setMaximumWidth(width)
        inside.setLayout(column)
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(*margins)
        row.addStretch(1)
        row.addWidget(inside, 1000)
        row.addStretch(1)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes from control to control, and the page follows
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(page)
