"""An answer on screen: Markdown that grows while it streams, with a blinking caret at its end.

What arrives is collected and shown in small portions, so that no portion, however much comes at once, holds up the
window.
"""

from collections.abc import Sequence

from PySide6.QtCore import QElapsedTimer, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from app.markdown import Code, Document, Paragraph, Piece, Rule, Span, Table
from app.theme import theme
from app.widgets.code_block import CodeBlock
from app.widgets.prose_block import INDENT, ProseBlock, ProsePiece
from app.widgets.table_block import TableBlock
from app.widgets.text_block import TextBlock

FLUSH_MS = 30
MAX_PAUSE_MS = 200
PORTION = 1_000  # characters parsed at once
BUDGET_MS = 12  # time after which showing pieces pauses for the event loop
RUN = 20  # paragraphs laid out at once
LONG_PROSE = 60  # paragraphs in one text: laying out its end gets slower with all that stands before
MAX_BLOCKS = 150  # widgets in one answer; no honest answer has more, and each costs milliseconds
SHARE = 6  # at most a sixth of the GUI thread's time goes into one growing answer
GAP_ABOVE = 2
GAP_BELOW = 12

Block = ProseBlock | CodeBlock | TableBlock


class MarkdownView(QWidget):
    """Shows Markdown.

    Signals:
        link_activated(str): a link was chosen; nothing is opened. Show the target and ask (LinkDialog).
    """

    link_activated = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._source: list[str] = []
        self._pending = ""
        self._document = Document()
        self._places: list[tuple[Block, int]] = []  # for every piece its block, and its index in there
        self._blocks: list[Block] = []
        self._streaming = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._flush_timer = QTimer(self)
        self._flush_timer.setSingleShot(True)
        self._flush_timer.timeout.connect(self._flush)
        self._blink_timer = QTimer(self)
        self._blink_timer.timeout.connect(self._blink)
        self._caret_on = False
        self._pause = FLUSH_MS
        theme.changed.connect(self._rebuild)

    def markdown(self) -> str:
        """The whole source, shown or still waiting."""
        return "".join(self._source)

    def set_markdown(self, text: str) -> None:
        """Show another text from the beginning."""
        self._clear()
        self._source = [text]
        self._pending = text
        self._flush()

    def append(self, text: str) -> None:
        """Add a chunk at the end; it shows within a few hundredths of a second."""
        self._source.append(text)
        self._pending += text
        if not self._flush_timer.isActive():
            self._flush_timer.start(self._pause)

    def set_streaming(self, streaming: bool) -> None:
        """While True the caret blinks at the end. Call with False when the answer is complete or stopped."""
        self._streaming = streaming
        flash = QGuiApplication.styleHints().cursorFlashTime()
        if streaming and flash > 0:
            self._blink_timer.start(flash // 2)
        else:
            self._blink_timer.stop()
        self._caret_on = streaming
        if streaming and not self._blocks:
            self._add_block(ProseBlock())
        self._show_caret()

    def is_settled(self) -> bool:
        """Whether everything appended so far is on screen."""
        return not self._pending and len(self._places) == len(self._document.pieces)

    def _flush(self) -> None:
        clock = QElapsedTimer()
        clock.start()
        if len(self._places) == len(self._document.pieces):
            portion, self._pending = self._pending[:PORTION], self._pending[PORTION:]
            first = self._document.append(portion)
        else:
            first = len(self._places)
        self._replace_from(first, clock)
        self._show_caret()
        self._pause = min(MAX_PAUSE_MS, max(FLUSH_MS, clock.elapsed() * SHARE))
        if not self.is_settled():
            self._flush_timer.start(max(1, clock.elapsed()))

    def _replace_from(self, first: int, clock: QElapsedTimer) -> None:
        """Show the pieces from `first` on, as many as fit into BUDGET_MS; the next flush goes on."""
        pieces = self._document.pieces
        if first < min(len(pieces), len(self._places)) and self._update_in_place(first, pieces[first]):
            first += 1
        reused = self._remove_from(first)
        while first < len(pieces):
            run = _prose_run(pieces[first : first + RUN], framed=len(self._blocks) < MAX_BLOCKS)
            if run:
                self._show_prose(run, reused)
            else:
                self._shorten(reused)
                self._add(pieces[first])
            reused = None
            first += len(run) or 1
            if clock.elapsed() > BUDGET_MS:
                break
        self._shorten(reused)

    def _update_in_place(self, index: int, piece: Piece) -> bool:
        """Let a code block or a table that only grew keep its widget; returns whether that was possible."""
        block, _ = self._places[index]
        if isinstance(piece, Code) and isinstance(block, CodeBlock) and block.language == piece.language:
            block.set_code(piece.text, closed=piece.closed)
            return True
        if isinstance(piece, Table) and isinstance(block, TableBlock):
            block.set_table(piece)
            return True
        return False

    def _remove_from(self, first: int) -> tuple[ProseBlock, int] | None:
        """Forget the pieces from `first` on. Prose that loses only some, or may be reused, is returned with the index."""
        if first >= len(self._places):
            return None
        block, index = self._places[first]
        del self._places[first:]
        prose = (block, index) if isinstance(block, ProseBlock) else None
        self._drop_blocks(self._blocks.index(block) + (1 if prose else 0))
        return prose

    def _shorten(self, reused: tuple[ProseBlock, int] | None) -> None:
        """Nothing came to stand in the place of what prose lost."""
        if reused is not None:
            reused[0].replace_from(reused[1], [])

    def _drop_blocks(self, keep: int) -> None:
        for block in self._blocks[keep:]:
            shell = _shell_of(block)
            self._column.removeWidget(shell)
            shell.hide()
            shell.deleteLater()
        del self._blocks[keep:]

    def _show_prose(self, run: list[ProsePiece], reused: tuple[ProseBlock, int] | None) -> None:
        last = self._blocks[-1] if self._blocks else None
        if not isinstance(last, ProseBlock) or (reused is None and len(last.pieces) >= LONG_PROSE):
            last = ProseBlock()
            self._add_block(last)
        index = reused[1] if reused else len(last.pieces)
        last.replace_from(index, run)
        self._places += [(last, index + offset) for offset in range(len(run))]

    def _add(self, piece: Piece) -> None:
        if isinstance(piece, Code):
            code = CodeBlock(piece.language)
            self._place(code, piece.indent)
            code.set_code(piece.text, closed=piece.closed)
        elif isinstance(piece, Table):
            table = TableBlock()
            self._place(table, piece.indent)
            table.set_table(piece)

    def _place(self, block: CodeBlock | TableBlock, indent: int) -> None:
        if self._blocks and (not self._places or self._places[-1][0] is not self._blocks[-1]):
            self._drop_blocks(len(self._blocks) - 1)  # prose that lost its last piece
        shell = QWidget()
        inside = QVBoxLayout(shell)
        inside.setContentsMargins(indent * INDENT, GAP_ABOVE, 0, GAP_BELOW)
        inside.addWidget(block)
        self._add_block(block)
        self._places.append((block, 0))

    def _add_block(self, block: Block) -> None:
        _text_of(block).link_activated.connect(self.link_activated)
        self._column.addWidget(_shell_of(block))
        self._blocks.append(block)

    def _blink(self) -> None:
        self._caret_on = not self._caret_on
        self._show_caret()

    def _show_caret(self) -> None:
        for block in self._blocks[:-1]:
            _text_of(block).set_caret(False)
        if self._blocks:
            _text_of(self._blocks[-1]).set_caret(self._streaming and self._caret_on)

    def _clear(self) -> None:
        self._flush_timer.stop()
        self._drop_blocks(0)
        self._places = []
        self._document = Document()

    def _rebuild(self) -> None:
        """Colours are part of the text's formats, so a theme change sets the text anew."""
        self.set_markdown(self.markdown())


def _prose_run(pieces: Sequence[Piece], *, framed: bool) -> list[ProsePiece]:
    """The paragraphs and rules at the beginning of `pieces`; without frames code and tables count as paragraphs too."""
    run: list[ProsePiece] = []
    for piece in pieces:
        if isinstance(piece, Paragraph | Rule):
            run.append(piece)
        elif framed:
            break
        else:
            run.append(_as_paragraph(piece))
    return run


def _as_paragraph(piece: Code | Table) -> Paragraph:
    if isinstance(piece, Code):
        return Paragraph((Span(piece.text, code=True),), piece.indent)
    return Paragraph(tuple(span for row in piece.rows for cell in row for span in (*cell, Span("  "))), piece.indent)


def _shell_of(block: Block) -> QWidget:
    """What stands in the column: prose itself, and code and tables in a widget that gives them their margins."""
    shell = block.parentWidget()
    return block if isinstance(block, ProseBlock) or shell is None else shell


def _text_of(block: Block) -> TextBlock:
    return block.text_block if isinstance(block, CodeBlock) else block
