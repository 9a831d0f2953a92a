"""Cards, one below the other, that scroll beside what they are about."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

BESIDE_SCROLL_BAR = 12


class CardColumn(QScrollArea):
    """Make the cards within `inside`: a widget that gets its parent late is styled twice."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.inside = QWidget()
        self.setWidget(self.inside)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Tab goes from control to control, and the page follows
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_cards(self, *cards: QWidget) -> None:
        """From top to bottom; once."""
        column = QVBoxLayout(self.inside)
        column.setContentsMargins(0, 0, BESIDE_SCROLL_BAR, 0)
        column.setSpacing(16)
        for card in cards:
            column.addWidget(card)
        column.addStretch(1)
