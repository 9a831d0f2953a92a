"""A table of an answer: hairlines between rows, a quiet header."""

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
    QTextTableCellFormat,
    QTextTableFormat,
)

from app.markdown import Span, Table
from app.theme import theme
from app.widgets.prose_block import char_format
from app.widgets.text_block import PAD, TextBlock

ALIGNMENTS = {"center": Qt.AlignmentFlag.AlignHCenter, "right": Qt.AlignmentFlag.AlignRight}
CELL_PADDING = 7
MAX_ROWS = 500


class TableBlock(TextBlock):
    """Shows one table; longer ones than MAX_ROWS end in a row of ellipses."""

    def set_table(self, table: Table) -> None:
        """Show `table` in place of the one before."""
        self.document().clear()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        rows = table.rows[:MAX_ROWS]
        if len(table.rows) > MAX_ROWS:
            rows += (tuple((Span("…"),) for _ in table.align),)
        grid = cursor.insertTable(len(rows), max(1, len(table.align)), _table_format())
        for number, row in enumerate(rows):
            for column, spans in enumerate(row[: len(table.align)]):
                _fill(grid, number, column, spans, table.align[column])
        _shrink_last_line(self)
        cursor.endEditBlock()


def _table_format() -> QTextTableFormat:
    form = QTextTableFormat()
    form.setBorderCollapse(True)
    form.setBorder(0)
    form.setCellSpacing(0)
    form.setTopMargin(2)
    form.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
    return form


def _fill(grid: QTextTable, row: int, column: int, spans: tuple[Span, ...], align: str) -> None:
    cell = grid.cellAt(row, column)
    cell.setFormat(_cell_format(header=row == 0, first=column == 0))
    cursor = cell.firstCursorPosition()
    block = QTextBlockFormat()
    block.setAlignment(ALIGNMENTS.get(align, Qt.AlignmentFlag.AlignLeft))
    cursor.setBlockFormat(block)
    base = QTextCharFormat()
    base.setFont(theme.font("small" if row == 0 else "base", "medium" if row == 0 else "normal", tabular=True))
    base.setForeground(theme.colour("muted" if row == 0 else "text"))
    for span in spans:
        text = f"{PAD}{span.text}{PAD}" if span.code else span.text
        form = char_format(span, base)
        if span.code:
            form.setBackground(theme.colour("code" if theme.tokens.name == "light" else "selected"))
        cursor.insertText(text, form)


def _cell_format(*, header: bool, first: bool) -> QTextTableCellFormat:
    form = QTextTableCellFormat()
    form.setPadding(CELL_PADDING)
    if first:
        form.setLeftPadding(1)  # in line with the paragraphs above
    form.setBottomBorder(1)
    form.setBottomBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    form.setBottomBorderBrush(theme.colour("line"))
    if header:
        form.setTopPadding(2)
    return form


def _shrink_last_line(block: TextBlock) -> None:
    """A document always ends in a paragraph; after a table that one would only be a gap."""
    cursor = QTextCursor(block.document())
    cursor.movePosition(QTextCursor.MoveOperation.End)
    form = QTextBlockFormat()
    form.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
    cursor.setBlockFormat(form)
