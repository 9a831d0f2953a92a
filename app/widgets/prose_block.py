"""Paragraphs, headings, lists, quotations and rules in one text, so that a selection may run across them."""

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
from app.widgets.text_block import PAD, TextBlock

INDENT = 24
MARKER_WIDTH = 20
QUOTE_INDENT = 16
LINE_GAP = 5
PARAGRAPH_GAP = 10
ITEM_GAP = 4

INLINE_CODE = QTextFormat.Property.UserProperty + 1
QUOTE_DEPTH = QTextFormat.Property.UserProperty + 2
RULE = QTextFormat.Property.UserProperty + 3

HEADINGS = {1: "title", 2: "lead"}


class ProseBlock(TextBlock):
    """Grows and shrinks at its end only: `add` returns where a piece begins, `truncate` takes it away again."""

    def __init__(self) -> None:
        super().__init__()
        self._blank = True

    def add(self, piece: Paragraph | Rule) -> int:
        """Append a piece; returns the document position where it begins."""
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        if not self._blank:
            cursor.insertBlock()
        self._blank = False
        position = cursor.position()
        if isinstance(piece, Rule):
            cursor.setBlockFormat(_rule_format())
        else:
            after_list = cursor.block().previous().blockFormat().leftMargin() >= INDENT
            cursor.setBlockFormat(_block_format(piece, after_list=after_list))
            _insert_spans(cursor, piece)
        cursor.endEditBlock()
        return position

    def truncate(self, position: int) -> None:
        """Remove everything from `position`, where a piece began, to the end."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(max(0, position - 1))  # the separator before the piece goes too
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        self._blank = position == 0

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
            block = block.next()


def _insert_spans(cursor: QTextCursor, piece: Paragraph) -> None:
    size = HEADINGS.get(piece.level, "base")
    base = QTextCharFormat()
    base.setFont(theme.font(size, "strong" if piece.level else "normal"))  # type: ignore[arg-type]
    base.setForeground(theme.colour("muted" if piece.quote else "text"))
    if piece.marker:
        marker = QTextCharFormat(base)
        marker.setForeground(theme.colour("muted"))
        cursor.insertText(f"{piece.marker}\t", marker)
    for span in piece.spans:
        text = span.text.replace("\u202f", "\u00a0").replace("\n", "\u2028").replace("\ufffc", " ")
        cursor.insertText(f"{PAD}{text}{PAD}" if span.code else text, char_format(span, base))


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
    if PAD in block.text():
        painter.setBrush(theme.colour("code" if theme.tokens.name == "light" else "selected"))
        _paint_inline_code(painter, block, area.topLeft())


def _gap_to_next(block: QTextBlock, depth: int) -> float:
    """The bar of a quotation runs on to the next paragraph of the same quotation."""
    following = block.next()
    goes_on = following.isValid() and int(following.blockFormat().property(QUOTE_DEPTH) or 0) > depth
    return block.blockFormat().bottomMargin() if goes_on else 0.0


def _paint_inline_code(painter: QPainter, block: QTextBlock, origin: QPointF) -> None:
    iterator = block.begin()
    while not iterator.atEnd():
        fragment = iterator.fragment()
        if fragment.charFormat().property(INLINE_CODE):
            start = fragment.position() - block.position()
            for area in _line_rects(block.layout(), start, start + fragment.length()):
                painter.drawRoundedRect(area.translated(origin), 4, 4)
        iterator += 1


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
