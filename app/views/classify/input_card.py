"""The card one writes in: a single text, or a list with one text per line. It asks nothing by itself."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from app.views.classify.text_editor import TextEditor
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.label import Label
from app.widgets.segmented import SegmentedControl

ONE, LIST = 0, 1


class InputCard(Card):
    """Two editors behind a switch, each keeps what was typed in it.

    Signals:
        submitted: the button or Ctrl+Enter; read `text()` and `mode()`.
        stopped: the button was pressed while `set_busy(True)`.
        mode_changed(int): ONE or LIST.
        file_wanted: the person wants to open a file.
        files_dropped(list): paths.
        long_pasted(str): far more than fits an editor.
    """

    submitted = Signal()
    stopped = Signal()
    mode_changed = Signal(int)
    file_wanted = Signal()
    files_dropped = Signal(list)
    long_pasted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._busy = False
        self._switch = SegmentedControl((self.tr("One text"), self.tr("A list")), self.tr("What to classify"))
        self._open = Button(self.tr("Open file…"), "ghost", "folder-open", compact=True)
        self._open.hide()
        self._open.setToolTip(self.tr("A TXT file with one text per line, or a CSV file; up to 100 MB"))
        self._editors = QStackedWidget()
        self.one = self._add_editor(self.tr("Text to classify"), self.tr("Write or paste a text."))
        self.many = self._add_editor(
            self.tr("Texts to classify, one per line"), self.tr("Write or paste one text per line, or drop a file.")
        )
        self._count = Label(role="muted", size="small", tabular=True)
        self._hint = Label(self.tr("Ctrl+Enter"), "muted", "small")
        self.button = Button(self.tr("Classify"), "primary", "sparkles")
        self._lay_out()
        self._switch.changed.connect(self._on_mode)
        self._open.clicked.connect(self.file_wanted)
        self.button.clicked.connect(self._on_button)
        self._update_counts()

    def mode(self) -> int:
        """ONE or LIST."""
        return self._editors.currentIndex()

    def set_mode(self, mode: int) -> None:
        """Switch between one text and a list."""
        self._switch.set_current(mode)

    def editor(self) -> TextEditor:
        """The editor in front."""
        return self.many if self.mode() == LIST else self.one

    def text(self) -> str:
        """What is written in the editor in front."""
        return self.editor().toPlainText()

    def count_text(self) -> str:
        """How many words, or texts, as it is shown."""
        return self._count.text()

    def set_busy(self, busy: bool) -> None:
        """While busy the button stops instead."""
        self._busy = busy
        self.button.set_kind("secondary" if busy else "primary", "square" if busy else "sparkles")
        self.button.setText(self.tr("Stop") if busy else self.tr("Classify"))
        self._update_counts()

    def set_compact(self, compact: bool) -> None:
        """Less air, for small windows."""
        self.body.setContentsMargins(16, 10 if compact else 14, 16, 10 if compact else 16)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self._switch)
        top.addStretch(1)
        top.addWidget(self._open)
        foot = QHBoxLayout()
        foot.setSpacing(12)
        foot.addWidget(self._count)
        foot.addStretch(1)
        foot.addWidget(self._hint)
        foot.addWidget(self.button)
        self.body.addLayout(top)
        self.body.addWidget(self._editors, 1)
        self.body.addLayout(foot)
        self.set_compact(False)

    def _add_editor(self, name: str, placeholder: str) -> TextEditor:
        editor = TextEditor()
        editor.setAccessibleName(name)
        editor.setPlaceholderText(placeholder)
        editor.textChanged.connect(self._update_counts)
        editor.submitted.connect(self._on_submit)
        editor.files_dropped.connect(self.files_dropped)
        editor.long_pasted.connect(self.long_pasted)
        self._editors.addWidget(editor)
        return editor

    def _on_mode(self, mode: int) -> None:
        self._editors.setCurrentIndex(mode)
        self._open.setVisible(mode == LIST)
        self._update_counts()
        self.editor().setFocus()
        self.mode_changed.emit(mode)

    def _on_submit(self) -> None:
        if self.button.isEnabled() and not self._busy:
            self.submitted.emit()

    def _on_button(self) -> None:
        (self.stopped if self._busy else self.submitted).emit()

    def _update_counts(self) -> None:
        text = self.text()
        if self.mode() == LIST:
            lines = sum(1 for line in text.splitlines() if line.strip())
            self._count.setText(self.tr("{0} texts").format(f"{lines:,}") if lines != 1 else self.tr("1 text"))
        else:
            words = len(text.split())
            self._count.setText(self.tr("{0} words").format(f"{words:,}") if words != 1 else self.tr("1 word"))
        self.button.setEnabled(self._busy or bool(text.strip()))
