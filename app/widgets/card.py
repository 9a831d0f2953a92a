"""A card: a surface with a hairline and round corners that holds one subject."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.label import Label


class Card(QFrame):
    """A framed surface; add content to `body`. With a title it gets a header row, whose right side is `header`.

    `highlighted` draws the frame in the accent colour, for the one card that asks something of the person.
    """

    def __init__(
        self, title: str = "", *, padding: int = 16, highlighted: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("card", "accent" if highlighted else "true")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(padding, padding, padding, padding)
        self.body.setSpacing(8)
        self.header = QHBoxLayout()
        self.header.setSpacing(8)
        if title:
            self.setAccessibleName(title)
            self.header.addWidget(Label(title, weight="strong"))
            self.header.addStretch(1)
            self.body.addLayout(self.header)
