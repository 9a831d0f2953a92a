"""The card one writes in: pictures, files as chips, the text, and below it attach, system prompt, room left, Send or Stop."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QRectF, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app import operations
from app.pictures import Picture, PictureRefused, is_picture, picture_of, read_picture
from app.theme import theme
from app.views.chat.attachment_chips import AttachmentChips
from app.views.chat.attachments import LIMIT_BYTES, Attachment, AttachmentRefused, read_attachment
from app.views.chat.picture_strip import MOST, PictureStrip
from app.widgets.button import Button
from app.widgets.composer import Composer
from app.widgets.file_dialog import FileDialog
from app.widgets.icon_button import IconButton
from app.widgets.label import Label
from app.widgets.shadow import SPREAD, paint_shadow


class ComposerPanel(QWidget):
    """Collects a question.

    Signals:
        submitted(str, list, list): the text, the attachments, the pictures; the panel is not cleared, `clear` does that.
        stop_requested: Stop was pressed.
        edited: text or attachments changed.
        system_prompt_requested: its button was pressed.
        refused(str): a file was not taken, and why.
    """

    submitted = Signal(str, list, list)
    stop_requested = Signal()
    edited = Signal()
    system_prompt_requested = Signal()
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answering = False
        self._blind_words = self._left_out_words = ""
        self._making = asyncio.Lock()
        self.setAcceptDrops(True)
        self.card = QFrame()
        self.card.setProperty("card", True)
        self.strip = PictureStrip()
        self.chips = AttachmentChips()
        self.note = Label("", "warning_text", "small", wrap=True)
        self.field = Composer(self.tr("Ask anything. Enter sends, Shift+Enter breaks the line."))
        self.attach_button = IconButton("paperclip", _attach_words())
        self.system_button = Button(self.tr("System prompt"), "ghost", "book-open")
        self.room = Label("", "muted", "small", tabular=True)
        self.send_button = Button("", "primary", "arrow-up")
        self._lay_out()
        self._connect()
        self.set_answering(False)

    def text(self) -> str:
        """What is written."""
        return self.field.toPlainText()

    def set_text(self, text: str) -> None:
        """Put a draft or a suggestion into the field, the cursor after it."""
        self.field.setPlainText(text)
        self.field.moveCursor(self.field.textCursor().MoveOperation.End)

    def attachments(self) -> list[Attachment]:
        """The files that go along."""
        return self.chips.attachments()

    def clear(self) -> None:
        """Empty field, chips and pictures."""
        self.chips.set_attachments([])
        self.strip.set_pictures([])
        self.field.clear()

    def pictures(self) -> list[Picture]:
        """The pictures that go along."""
        return self.strip.pictures()

    def attach(self, paths: Sequence[str]) -> None:
        """Take pictures and text files; says by `refused` which it could not take."""
        for path in map(Path, paths):
            if is_picture(path):
                self._attach_picture(read_picture, path)
                continue
            try:
                self.chips.add(read_attachment(path))
            except AttachmentRefused as error:
                self.refused.emit(str(error))

    def attach_image(self, image: QImage) -> None:
        """Take a picture from the clipboard."""
        self._attach_picture(picture_of, image, self.tr("Pasted picture"))

    def set_sight(self, blind_words: str, left_out_words: str) -> None:
        """Why the model cannot be sent pictures, and what becomes of earlier ones; both are empty where it sees."""
        self._blind_words, self._left_out_words = blind_words, left_out_words
        self._update_note()

    def set_answering(self, answering: bool) -> None:
        """Show Stop while the chat's answer runs, Send otherwise."""
        self._answering = answering
        self.send_button.setText(self.tr("Stop") if answering else self.tr("Send"))
        self.send_button.set_icon("square" if answering else "arrow-up")
        self.send_button.setToolTip(self.tr("Stop the answer (Esc)") if answering else self.tr("Send (Enter)"))
        self._update_send()

    def set_system_prompt(self, text: str) -> None:
        """Show whether the chat has a system prompt; the tool tip quotes it."""
        self.system_button.setText(self.tr("System prompt: on") if text else self.tr("System prompt"))
        self.system_button.setToolTip(text[:400] or self.tr("How the model should behave in this chat"))

    def set_room(self, text: str, *, scarce: bool = False) -> None:
        """Say how much of the context is left."""
        self.room.setText(text)
        self.room.set_role("warning_text" if scarce else "muted")

    def choose_files(self) -> None:
        """Ask for files to attach."""
        dialog = FileDialog(self, self.tr("Attach pictures and text files"))
        dialog.setFileMode(FileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self.attach)
        dialog.open()

    def submit(self) -> None:
        """Send, if there is something to send and no answer is being written."""
        if self._sendable():
            self.submitted.emit(self.text().strip(), self.attachments(), self.pictures())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.field.takes(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.field.insertFromMimeData(event.mimeData())
        event.acceptProposedAction()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.field.setFocus()
        super().mousePressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        paint_shadow(QPainter(self), QRectF(self.card.geometry()), theme.metrics.radii["card"], strength=1)

    def _lay_out(self) -> None:
        self.system_button.setSizePolicy(self.system_button.sizePolicy().Policy.Maximum, self.sizePolicy().Policy.Fixed)
        bottom = QHBoxLayout()
        bottom.setSpacing(4)
        bottom.addWidget(self.attach_button)
        bottom.addWidget(self.system_button)
        bottom.addStretch(1)
        bottom.addWidget(self.room)
        bottom.addSpacing(6)
        bottom.addWidget(self.send_button)
        inside = QVBoxLayout(self.card)
        inside.setContentsMargins(14, 12, 12, 12)
        inside.setSpacing(8)
        for widget in (self.strip, self.chips, self.field, self.note):
            inside.addWidget(widget)
        inside.addLayout(bottom)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(SPREAD, 4, SPREAD, SPREAD)
        outside.addWidget(self.card)
        self.card.setCursor(Qt.CursorShape.IBeamCursor)
        for button in (self.attach_button, self.system_button, self.send_button):
            button.setCursor(Qt.CursorShape.ArrowCursor)

    def _connect(self) -> None:
        self.field.submitted.connect(self.submit)
        self.field.files_dropped.connect(self.attach)
        self.field.image_pasted.connect(self.attach_image)
        self.field.textChanged.connect(self._on_edited)
        self.chips.changed.connect(self._on_edited)
        self.strip.changed.connect(self._on_edited)
        self.attach_button.clicked.connect(self.choose_files)
        self.system_button.clicked.connect(self.system_prompt_requested)
        self.send_button.clicked.connect(self._on_main_button)

    def _on_main_button(self) -> None:
        if self._answering:
            self.stop_requested.emit()
        else:
            self.submit()
        self.field.setFocus()

    def _attach_picture(self, make: Callable[..., Picture], *source: object) -> None:
        """Decode in a thread, then show it."""
        if self._blind_words:
            self.refused.emit(self._blind_words)
            return
        operations.run(self, self._made(make, *source), on_success=self._add_picture, on_failure=self._refuse)

    async def _made(self, make: Callable[..., Picture], *source: object) -> Picture:
        """One after another, so that pictures keep the order in which they came."""
        async with self._making:
            return await asyncio.to_thread(make, *source)

    def _add_picture(self, picture: Picture) -> None:
        if not self.strip.add(picture):
            self.refused.emit(self.tr("At most {0} pictures go along with a question.").format(MOST))

    def _refuse(self, error: BaseException) -> None:
        if isinstance(error, PictureRefused):
            self.refused.emit(str(error))
        else:
            operations.report(error)

    def _on_edited(self) -> None:
        self._update_note()
        self.edited.emit()

    def _sendable(self) -> bool:
        blind = bool(self.pictures() and self._blind_words)
        return not self._answering and not blind and bool(self.text().strip() or self.attachments() or self.pictures())

    def _update_note(self) -> None:
        self.note.setText(self._blind_words if self.pictures() else self._left_out_words)
        self.note.setVisible(bool(self.note.text()))
        self._update_send()

    def _update_send(self) -> None:
        usable = self._answering or self._sendable()
        if not usable and self.window().focusWidget() is self.send_button:
            self.field.setFocus()  # Qt would hand the focus to anything
        self.send_button.setEnabled(usable)


def _attach_words() -> str:
    limit = LIMIT_BYTES // 1024
    words = QCoreApplication.translate("ComposerPanel", "Attach pictures, or text files up to {0} KB each")
    return words.format(limit)
