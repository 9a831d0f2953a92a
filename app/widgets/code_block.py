"""A framed block of code: its language, a Copy button, highlighted text that scrolls sideways."""

from collections.abc import Iterator

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtGui import (
    QFont,
    QGuiApplication,
    QSyntaxHighlighter,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from app.highlight import Mark, highlight, highlight_lines
from app.theme import theme
from app.widgets.button import Button
from app.widgets.hairline import Hairline
from app.widgets.label import Label
from app.widgets.text_block import TextBlock

WINDOW_LINES = 20  # while code streams in, only about so many last lines are lexed again
BUDGET_MS = 8  # of one turn of the event loop for colouring finished code
COPIED_MS = 1600
LINE_GAP = 4


class CodeBlock(QFrame):
    """Shows code; `set_code` with a longer text of the same beginning only touches the end."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.setProperty("codeblock", True)
        self.setAccessibleName(self.tr("Code"))
        self.language = language
        self.text_block = CodeText()
        self.copy_button = Button(self.tr("Copy"), "ghost", "copy", compact=True)
        self.copy_button.clicked.connect(self.copy)
        header = QHBoxLayout()
        header.setContentsMargins(14, 3, 6, 3)
        header.addWidget(Label(language or self.tr("text"), "muted", "small"), 1)
        header.addWidget(self.copy_button)
        inside = QVBoxLayout()
        inside.setContentsMargins(14, 12, 14, 12)
        inside.addWidget(self.text_block)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addLayout(header)
        column.addWidget(Hairline())
        column.addLayout(inside)

    def set_code(self, text: str, *, closed: bool = True) -> None:
        """Show `text`; once it is `closed` all of it is highlighted with its whole context."""
        self.text_block.set_code(text, self.language, closed=closed)

    def code(self) -> str:
        """The code shown."""
        return self.text_block.code

    def copy(self) -> None:
        """Put the code on the clipboard and say so for a moment."""
        QGuiApplication.clipboard().setText(self.code())
        self.copy_button.setText(self.tr("Copied"))
        self.copy_button.set_icon("check")
        QTimer.singleShot(COPIED_MS, self.copy_button, self._offer_copy)

    def _offer_copy(self) -> None:
        self.copy_button.setText(self.tr("Copy"))
        self.copy_button.set_icon("copy")


class CodeText(TextBlock):
    """The text of a CodeBlock; the wheel scrolls it sideways only."""

    def __init__(self) -> None:
        super().__init__()
        self.code = ""
        self._language = ""
        self._settled = 0  # so many lines keep their marks while streaming
        self._colouring: tuple[int, Iterator[tuple[Mark, ...]]] | None = None  # the next line of finished code
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._colour)
        font = theme.font("control", mono=True)
        self.setFont(font)
        self.document().setDefaultFont(font)
        self.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.horizontalScrollBar().rangeChanged.connect(self._fit_height)
        self._painter = LineMarks(self.document())
        form = QTextBlockFormat()
        form.setLineHeight(LINE_GAP, QTextBlockFormat.LineHeightTypes.LineDistanceHeight.value)
        QTextCursor(self.document()).setBlockFormat(form)

    def set_code(self, text: str, language: str, *, closed: bool) -> None:
        """Show `text`, keeping what is already there where it only grew."""
        shown = text.removesuffix("\n")
        if language != self._language or not shown.startswith(self.code):
            self._restart(language)
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        added, self.code = shown[len(self.code) :], shown
        self._mark(closed)
        cursor.insertText(added)
        if not self.textCursor().hasSelection():
            self.setTextCursor(QTextCursor(self.document()))  # at the start, or a focus change would scroll sideways

    def extra_height(self) -> int:
        bar = self.horizontalScrollBar()
        return bar.sizeHint().height() if bar.maximum() > 0 else 0

    def wheelEvent(self, event: QWheelEvent) -> None:
        if abs(event.angleDelta().x()) > abs(event.angleDelta().y()):
            super().wheelEvent(event)
        else:
            event.ignore()

    def _restart(self, language: str) -> None:
        self._language, self.code, self._settled = language, "", 0
        self._painter.set_marks(0, [])
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()

    def _mark(self, closed: bool) -> None:
        if closed:
            self._colouring = (0, highlight_lines(self.code, self._language))
            self._colour()
            return
        self._colouring = None
        lines = self.code.split("\n")
        self._painter.set_marks(self._settled, highlight("\n".join(lines[self._settled :]), self._language))
        if len(lines) - self._settled > 2 * WINDOW_LINES:
            self._settled = len(lines) - WINDOW_LINES

    def _colour(self) -> None:
        """Give finished code the marks of its whole context, as many lines as a turn has time for."""
        if self._colouring is None:
            return
        clock = QElapsedTimer()
        clock.start()
        start, marks = self._colouring
        for line, found in enumerate(marks, start):
            self._painter.set_marks(line, [found], keep_rest=True)
            if clock.elapsed() > BUDGET_MS:
                self._colouring = (line + 1, marks)
                self._later.start()
                return
        self._colouring = None


class LineMarks(QSyntaxHighlighter):
    """Colours lines by marks computed elsewhere."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._marks: list[tuple[Mark, ...]] = []

    def set_marks(self, start: int, marks: list[tuple[Mark, ...]], *, keep_rest: bool = False) -> None:
        """Replace the marks from line `start` on (`keep_rest`: of so many lines only) and repaint where they changed."""
        end = start + len(marks) if keep_rest else len(self._marks)
        old = self._marks[start:end]
        self._marks[start:end] = marks
        for offset, (before, after) in enumerate(zip(old, marks, strict=False)):
            if before != after:
                self.rehighlightBlock(self.document().findBlockByNumber(start + offset))

    def highlightBlock(self, text: str) -> None:
        line = self.currentBlock().blockNumber()
        for mark in self._marks[line] if line < len(self._marks) else ():
            form = QTextCharFormat()
            form.setForeground(theme.colour(mark.role))
            form.setFontItalic(mark.italic)
            if mark.bold:
                form.setFontWeight(QFont.Weight.DemiBold)
            self.setFormat(mark.start, mark.length, form)
