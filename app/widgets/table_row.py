"""What the delegates of tables have in common: a row's ground with selection and focus, and one line of text."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from app.models.rows import Index
from app.theme import theme
from app.tokens import Size

FOCUS_WIDTH = 3


def paint_ground(painter: QPainter, area: QRectF, option: QStyleOptionViewItem, index: Index) -> None:
    """The colour of a chosen row, the line under each, and the mark of the one that has the focus."""
    state: QStyle.StateFlag = option.state
    if state & QStyle.StateFlag.State_Selected:
        painter.fillRect(area, theme.colour("accent_soft"))
    painter.fillRect(QRectF(area.left(), area.bottom() - 1, area.width(), 1), theme.colour("line"))
    view = option.widget
    has_focus = view is not None and view.hasFocus()
    # The focus is on a row, not on a cell: its mark stands at the row's beginning.
    if has_focus and index.column() == 0 and view.currentIndex().row() == index.row():  # type: ignore[attr-defined]
        painter.fillRect(QRectF(area.left(), area.top(), FOCUS_WIDTH, area.height() - 1), theme.colour("accent"))


def paint_line(
    painter: QPainter,
    area: QRectF,
    text: str,
    role: str,
    size: Size = "base",
    weight: str = "normal",
    *,
    tabular: bool = False,
) -> None:
    """One line in the middle of `area`, shortened at its end."""
    painter.setFont(theme.font(size, weight, tabular=tabular))
    painter.setPen(theme.colour(role))
    shown = QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
