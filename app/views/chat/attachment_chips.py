"""The attached files as a wrapping row of chips, each with its name, its size and a button that takes it away."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QWidget

from app.views.chat.attachments import Attachment
from app.widgets.elided_label import ElidedLabel
from app.widgets.icon_button import IconButton
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label

COLUMNS = 3
CHIP_WIDTH = 220


class AttachmentChips(QWidget):
    """Hidden while there is none.

    Signals:
        changed: a file came or went.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._attachments: list[Attachment] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(6)
        self._grid.setColumnStretch(COLUMNS, 1)
        self.hide()

    def attachments(self) -> list[Attachment]:
        """Those shown, in order."""
        return list(self._attachments)

    def add(self, attachment: Attachment) -> None:
        """Show one more; the same file again replaces the first."""
        others = [kept for kept in self._attachments if kept.name != attachment.name]
        self.set_attachments([*others, attachment])

    def set_attachments(self, attachments: Sequence[Attachment]) -> None:
        """Replace them all."""
        if list(attachments) == self._attachments:
            return
        self._attachments = list(attachments)
        for chip in self.findChildren(AttachmentChip):
            self._grid.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for place, attachment in enumerate(self._attachments):
            chip = AttachmentChip(attachment)
            chip.removed.connect(self._remove)
            self._grid.addWidget(chip, place // COLUMNS, place % COLUMNS)
        self.setVisible(bool(self._attachments))
        self.changed.emit()

    def _remove(self, name: str) -> None:
        self.set_attachments([kept for kept in self._attachments if kept.name != name])


class AttachmentChip(QFrame):
    """One file.

    Signals:
        removed(str): the person took the file of this name away.
    """

    removed = Signal(str)

    def __init__(self, attachment: Attachment, *, removable: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("codeblock", True)
        self.setAccessibleName(attachment.name)
        self.setMaximumWidth(CHIP_WIDTH)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 3, 4 if removable else 10, 3)
        row.setSpacing(6)
        row.addWidget(IconLabel("file-text", "muted", 14))
        row.addWidget(ElidedLabel(attachment.name, size="small", weight="medium", middle=True), 1)
        row.addWidget(Label(size_words(attachment.text), "muted", "small", tabular=True))
        if removable:
            remove = IconButton("x", self.tr("Remove {0}").format(attachment.name), size=24, icon_size=12)
            remove.clicked.connect(lambda: self.removed.emit(attachment.name))
            row.addWidget(remove)


def size_words(text: str) -> str:
    """The size of a text in KB, at least 1."""
    return f"{max(1, round(len(text.encode()) / 1024))} KB"
