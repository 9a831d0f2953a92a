"""One of a few values, in a row of several such fields: only as wide as the words that are shown."""

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.choice_field import Choice, ChoiceField

AROUND_TEXT = 50  # padding, and the arrow
LEAST = 96


class FilterField(ChoiceField):
    """A ChoiceField that may be narrower than its longest choice; the list that opens is not."""

    def __init__(self, name: str, choices: Sequence[Choice], parent: QWidget | None = None) -> None:
        super().__init__(name, choices, parent)
        self.setProperty("tight", True)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.currentIndexChanged.connect(lambda _place: self.updateGeometry())

    def sizeHint(self) -> QSize:
        return QSize(self._width_of(self.currentText()), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST, super().minimumSizeHint().height())

    def showPopup(self) -> None:
        longest = max((self._width_of(self.itemText(place)) for place in range(self.count())), default=LEAST)
        self.view().setMinimumWidth(longest)
        super().showPopup()

    def _width_of(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text) + AROUND_TEXT
