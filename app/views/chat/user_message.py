"""A question: the pictures and files that went along, the words, and under them what can be done, shown when it is of interest."""

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.conversations import Message
from app.views.chat.attachment_chips import AttachmentChip
from app.views.chat.attachments import with_attachments, without_attachments
from app.views.chat.branch_switcher import BranchSwitcher
from app.views.chat.bubble import Bubble
from app.views.chat.message_edit import MessageEdit
from app.widgets.icon_button import IconButton
from app.widgets.thumbnail import Thumbnail

BELOW = 4
WITHIN, SMALLER, ACROSS = QSize(320, 220), QSize(150, 110), 3  # of one picture, and of several side by side
BUTTON = 24


class UserMessage(QWidget):
    """One question of the transcript.

    Signals:
        asked(str, object): what the person wants with it: ("edit", new content), ("branch", step), ("copy", text).
    """

    asked = Signal(str, object)

    def __init__(self, message: Message, place: tuple[int, int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._attachments = without_attachments(message.content)
        self._pictures = message.pictures
        self._edit: MessageEdit | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(self.tr("You: {0}").format(self._text))
        self._buttons: QWidget | None = None  # made when first revealed
        self.bubble = Bubble(self._text, self)
        self._column = QVBoxLayout(self)
        self._row = QHBoxLayout()
        self._lay_out()
        if place[1] > 1:
            self._add_switcher(place)

    def edit(self) -> None:
        """Turn the words into a field."""
        if self._edit is not None:
            return
        self._edit = MessageEdit(self._text, self.tr("Send"))
        self._edit.cancelled.connect(self._end_edit)
        self._edit.submitted.connect(self._submit)
        self.bubble.hide()
        self._column.insertWidget(self._column.indexOf(self.bubble), self._edit)
        self._edit.field.setFocus()
        self._reveal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bubble.fit(self.width())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        self.bubble.fit(width)
        return self._column.totalHeightForWidth(width) if self._column.hasHeightForWidth() else self.sizeHint().height()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._reveal()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._reveal()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._reveal()

    def focusNextPrevChild(self, forward: bool) -> bool:
        moved = super().focusNextPrevChild(forward)
        QTimer.singleShot(0, self._reveal)
        return moved

    def _lay_out(self) -> None:
        self._column.setContentsMargins(0, 0, 0, BELOW)
        self._column.setSpacing(4)
        if self._pictures:
            self._column.addLayout(self._shown_pictures())
        for attachment in self._attachments:
            self._column.addWidget(AttachmentChip(attachment, removable=False), 0, Qt.AlignmentFlag.AlignRight)
        self._column.addWidget(self.bubble, 0, Qt.AlignmentFlag.AlignRight)
        self.bubble.setVisible(bool(self._text))
        self._row.setSpacing(6)
        self._row.addStretch(1)
        room = QWidget()  # for the buttons, so that nothing jumps; a row without a widget would also lose its spacing
        room.setFixedSize(1, BUTTON)
        self._row.addWidget(room)
        self._column.addLayout(self._row)

    def _shown_pictures(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(6)
        grid.setColumnStretch(0, 1)
        for place, picture in enumerate(self._pictures):
            thumbnail = Thumbnail(picture.content, picture.name, WITHIN if len(self._pictures) == 1 else SMALLER)
            grid.addWidget(thumbnail, place // ACROSS, 1 + place % ACROSS, Qt.AlignmentFlag.AlignRight)
        return grid

    def _add_switcher(self, place: tuple[int, int]) -> None:
        self.switcher = BranchSwitcher(self)
        self.switcher.show_place(*place)
        self.switcher.step_requested.connect(lambda step: self.asked.emit("branch", step))
        self._row.addWidget(self.switcher)

    def _reveal(self) -> None:
        focus = QApplication.focusWidget()
        inside = focus is not None and (focus is self or self.isAncestorOf(focus))
        wanted = self._edit is None and (self.underMouse() or inside)
        if wanted and self._buttons is None:
            self._buttons = self._make_buttons()
            self._row.insertWidget(1, self._buttons)
        if self._buttons is not None:
            self._buttons.setVisible(wanted)

    def _make_buttons(self) -> QWidget:
        holder = QWidget(self)
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        copy = IconButton("copy", self.tr("Copy"), size=BUTTON, icon_size=14, parent=holder)
        copy.clicked.connect(lambda: self.asked.emit("copy", self._text))
        edit = IconButton("pencil", self.tr("Edit and ask again"), size=BUTTON, icon_size=14, parent=holder)
        edit.clicked.connect(self.edit)
        row.addWidget(copy)
        row.addWidget(edit)
        return holder

    def _submit(self, text: str) -> None:
        self._end_edit()
        self.asked.emit("edit", with_attachments(text, self._attachments))

    def _end_edit(self) -> None:
        if self._edit is not None:
            self._edit.hide()
            self._edit.deleteLater()
        self._edit = None
        self.bubble.setVisible(bool(self._text))
        self.setFocus()
