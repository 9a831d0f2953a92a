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
MAX_ROWS = 300

Rows = tuple[tuple[tuple[Span, ...], ...], ...]


class TableBlock(TextBlock):
    """Shows one table; a longer one than MAX_ROWS ends in a row of ellipses."""

    def __init__(self) -> None:
        super().__init__()
        self._grid: QTextTable | None = None
        self._shown = Table((), ())

    def set_table(self, table: Table) -> None:
        """Show `table`; rows that are there already stay."""
        if self._grid is None or table.align != self._shown.align:
            self._begin(table)
        rows, old = _limited(table), _limited(self._shown)
        same = next((at for at, (a, b) in enumerate(zip(rows, old, strict=False)) if a != b), min(len(rows), len(old)))
        self._show_rows(rows, same, len(old), table.align)
        self._shown = table

    def _begin(self, table: Table) -> None:
        self.document().clear()
        self._shown = Table((), table.align)
        self._grid = QTextCursor(self.document()).insertTable(1, max(1, len(table.align)), _table_format())
        _shrink_last_line(self)

    def _show_rows(self, rows: Rows, same: int, present: int, align: tuple[str, ...]) -> None:
        if self._grid is None:
            return
        edit = QTextCursor(self.document())
        edit.beginEditBlock()
        if len(rows) < present:
            self._grid.removeRows(max(1, len(rows)), present - max(1, len(rows)))
        if len(rows) > max(1, present):
            self._grid.appendRows(len(rows) - max(1, present))
        for number in range(same, len(rows)):
            for column, spans in enumerate(rows[number][: len(align)]):
                _fill(self._grid, number, column, spans, align[column])
        edit.endEditBlock()


def _limited(table: Table) -> Rows:
    if len(table.rows) <= MAX_ROWS:
        return table.rows
    return (*table.rows[:MAX_ROWS], tuple((Span("…"),) for _ in table.align))


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
    cursor.setPosition(cell.lastPosition(), QTextCursor.MoveMode.KeepAnchor)
    cursor.removeSelectedText()
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
