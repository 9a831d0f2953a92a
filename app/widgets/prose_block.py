"""Paragraphs, headings, lists, quotations and rules in one text, so that a selection may run across them."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QFont,
    QPainter,
    QPaintEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextLayout,
    QTextLine,
    QTextOption,
)

from app.markdown import Paragraph, Rule, Span
from app.theme import theme
from app.tokens import Size
from app.widgets.text_block import JOINER, PAD, TextBlock

INDENT = 24
MARKER_WIDTH = 20
QUOTE_INDENT = 16
LINE_GAP = 5
PARAGRAPH_GAP = 10
ITEM_GAP = 4
SHORT_CODE = 48  # characters of inline code that are not broken at a slash

INLINE_CODE = QTextFormat.Property.UserProperty + 1
QUOTE_DEPTH = QTextFormat.Property.UserProperty + 2
RULE = QTextFormat.Property.UserProperty + 3

HEADINGS: dict[int, Size] = {1: "title", 2: "lead"}

ProsePiece = Paragraph | Rule


class ProseBlock(TextBlock):
    """Shows `pieces`; they change at their end only."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[ProsePiece] = []
        self._starts: list[int] = []  # the document position where each piece begins
        self._code_rects: dict[int, tuple[tuple[int, float], list[QRectF]]] = {}

    def replace_from(self, index: int, pieces: Sequence[ProsePiece]) -> None:
        """Let `pieces` stand in place of those from `index` on; a paragraph that only grew is only added to."""
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()  # one layout for all of it
        if pieces and index < len(self.pieces):
            self._truncate(cursor, index + 1)
            if self._extend_last(cursor, pieces[0]):
                index, pieces = index + 1, pieces[1:]
        self._truncate(cursor, index)
        for piece in pieces:
            self._add(cursor, piece)
        cursor.endEditBlock()

    def _add(self, cursor: QTextCursor, piece: ProsePiece) -> None:
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if self.pieces:
            cursor.insertBlock()
        self._starts.append(cursor.position())
        if isinstance(piece, Rule):
            cursor.setBlockFormat(_rule_format())
        else:
            after_list = bool(self.pieces) and isinstance(self.pieces[-1], Paragraph) and self.pieces[-1].indent > 0
            cursor.setBlockFormat(_block_format(piece, after_list=after_list))
            _insert_marker(cursor, piece)
            _insert_spans(cursor, piece, piece.spans)
        self.pieces.append(piece)

    def _truncate(self, cursor: QTextCursor, index: int) -> None:
        if index >= len(self.pieces):
            return
        cursor.setPosition(max(0, self._starts[index] - 1))  # the separator before the piece goes too
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        del self.pieces[index:], self._starts[index:]

    def _extend_last(self, cursor: QTextCursor, piece: ProsePiece) -> bool:
        """Turn the last piece into `piece` by changing only its end; returns whether the two are that much alike."""
        last = self.pieces[-1]
        if not isinstance(last, Paragraph) or not isinstance(piece, Paragraph):
            return False
        if replace(last, spans=()) != replace(piece, spans=()):
            return False
        kept, spans = _common_beginning(last.spans, piece.spans)
        marker = len(piece.marker) + 1 if piece.marker else 0
        cursor.setPosition(self._starts[-1] + marker + kept)
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        _insert_spans(cursor, piece, spans)
        self.pieces[-1] = piece
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        self._paint_grounds(painter, QRectF(event.rect()))
        painter.end()
        super().paintEvent(event)

    def _paint_grounds(self, painter: QPainter, visible: QRectF) -> None:
        layout = self.document().documentLayout()
        block = self.document().begin()
        while block.isValid():
            area = layout.blockBoundingRect(block)
            if area.top() > visible.bottom():
                return
            if area.bottom() >= visible.top():
                _paint_ground(painter, block, area)
                self._paint_inline_code(painter, block, area.topLeft())
            block = block.next()

    def _paint_inline_code(self, painter: QPainter, block: QTextBlock, origin: QPointF) -> None:
        if PAD not in block.text():
            return
        painter.setBrush(theme.colour("code" if theme.tokens.name == "light" else "selected"))
        stamp = (block.revision(), self.document().textWidth())
        known, rects = self._code_rects.get(block.blockNumber(), (None, []))
        if known != stamp:
            rects = _inline_code_rects(block)
            self._code_rects[block.blockNumber()] = (stamp, rects)
        for area in rects:
            painter.drawRoundedRect(area.translated(origin), 4, 4)


def _insert_marker(cursor: QTextCursor, piece: Paragraph) -> None:
    if piece.marker:
        form = _base_format(piece)
        form.setForeground(theme.colour("muted"))
        cursor.insertText(f"{piece.marker}\t", form)


def _insert_spans(cursor: QTextCursor, piece: Paragraph, spans: Sequence[Span]) -> None:
    base = _base_format(piece)
    for span in spans:
        cursor.insertText(_shown(span), char_format(span, base))


def _shown(span: Span) -> str:
    """The characters that stand in the document for a span."""
    text = span.text.replace(PAD, "\u00a0").replace("\n", "\u2028").replace("\u2029", " ").replace("\ufffc", " ")
    if not span.code:
        return text
    whole = text.replace("/", f"/{JOINER}") if len(text) <= SHORT_CODE else text  # "/tasks" stays on one line
    return f"{PAD}{whole}{PAD}"


def _common_beginning(old: Sequence[Span], new: Sequence[Span]) -> tuple[int, Sequence[Span]]:
    """How many document positions both begin with, and which spans of `new` follow them."""
    kept = 0
    for number, span in enumerate(new):
        before = old[number] if number < len(old) else None
        if before == span:
            kept += _length(_shown(span))
            continue
        if before is not None and not span.code and replace(before, text="") == replace(span, text=""):
            shared = before.text if span.text.startswith(before.text) else ""  # it grew, or it is another text
            rest = replace(span, text=span.text[len(shared) :])
            return kept + _length(shared), [rest, *new[number + 1 :]]
        return kept, new[number:]
    return kept, []


def _length(text: str) -> int:
    """Document positions: Qt counts in UTF-16, so that characters beyond U+FFFF count twice."""
    return len(text) + sum(character > "\uffff" for character in text)


def _base_format(piece: Paragraph) -> QTextCharFormat:
    form = QTextCharFormat()
    form.setFont(theme.font(HEADINGS.get(piece.level, "base"), "strong" if piece.level else "normal"))
    form.setForeground(theme.colour("muted" if piece.quote else "text"))
    return form


def char_format(span: Span, base: QTextCharFormat) -> QTextCharFormat:
    """How a span looks on top of `base`."""
    form = QTextCharFormat(base)
    if span.code:
        form.setFont(theme.font("control", mono=True))
        form.setProperty(INLINE_CODE, True)
    if span.bold:
        form.setFontWeight(QFont.Weight.Bold)
    form.setFontItalic(span.italic)
    form.setFontStrikeOut(span.strike)
    if span.muted:
        form.setForeground(theme.colour("muted"))
    if span.link:
        form.setAnchor(True)
        form.setAnchorHref(span.link)
        form.setForeground(theme.colour("accent_text"))
        form.setFontUnderline(True)
    return form


def _block_format(piece: Paragraph, *, after_list: bool) -> QTextBlockFormat:
    form = QTextBlockFormat()
    form.setLineHeight(LINE_GAP, QTextBlockFormat.LineHeightTypes.LineDistanceHeight.value)
    form.setLeftMargin(piece.indent * INDENT + piece.quote * QUOTE_INDENT)
    form.setBottomMargin(ITEM_GAP if piece.indent else PARAGRAPH_GAP)
    if piece.level or (after_list and not piece.indent):
        form.setTopMargin(PARAGRAPH_GAP)
    if piece.marker:
        form.setTextIndent(-MARKER_WIDTH)
        form.setTabPositions([QTextOption.Tab(MARKER_WIDTH, QTextOption.TabType.LeftTab)])
    form.setProperty(QUOTE_DEPTH, piece.quote)
    return form


def _rule_format() -> QTextBlockFormat:
    form = QTextBlockFormat()
    form.setProperty(RULE, True)
    form.setTopMargin(2)
    form.setBottomMargin(PARAGRAPH_GAP)
    return form


def _paint_ground(painter: QPainter, block: QTextBlock, area: QRectF) -> None:
    form = block.blockFormat()
    if form.property(RULE):
        painter.fillRect(QRectF(area.left(), area.center().y(), area.width(), 1), theme.colour("line"))
    for depth in range(int(form.property(QUOTE_DEPTH) or 0)):
        bar = QRectF(depth * QUOTE_INDENT, area.top(), 3, area.height() + _gap_to_next(block, depth))
        painter.setBrush(theme.colour("line"))
        painter.drawRoundedRect(bar, 1.5, 1.5)


def _gap_to_next(block: QTextBlock, depth: int) -> float:
    """The bar of a quotation runs on to the next paragraph of the same quotation."""
    following = block.next()
    goes_on = following.isValid() and int(following.blockFormat().property(QUOTE_DEPTH) or 0) > depth
    return block.blockFormat().bottomMargin() if goes_on else 0.0


def _inline_code_rects(block: QTextBlock) -> list[QRectF]:
    rects: list[QRectF] = []
    iterator = block.begin()
    while not iterator.atEnd():
        fragment = iterator.fragment()
        if fragment.charFormat().property(INLINE_CODE):
            start = fragment.position() - block.position()
            rects += _line_rects(block.layout(), start, start + fragment.length())
        iterator += 1
    return rects


def _line_rects(layout: QTextLayout, start: int, end: int) -> list[QRectF]:
    """Where the characters from `start` to `end` stand, one rectangle for every line they touch."""
    rects = []
    for number in range(layout.lineCount()):
        line = layout.lineAt(number)
        first, last = max(start, line.textStart()), min(end, line.textStart() + line.textLength())
        if first < last:
            left, right = _x(line, first), _x(line, last)
            rects.append(QRectF(left, line.y() - 1, right - left, line.ascent() + line.descent() + 2))
    return rects


def _x(line: QTextLine, position: int) -> float:
    """Where a character begins; Qt returns the position with it, which its type stub does not know."""
    found = line.cursorToX(position)
    return float(found[0] if isinstance(found, tuple) else found)  # type: ignore[arg-type]
