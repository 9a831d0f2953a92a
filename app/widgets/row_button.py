"""A small button painted into a row of a table: as many as there are rows, and not one widget."""

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QCursor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyleOptionViewItem

from app.theme import theme

HEIGHT = 30
PADDING = 11
ICON_SIZE = 14
ICON_GAP = 6
FROM_RIGHT = 14


def row_button_area(cell: QRectF, text: str, has_icon: bool) -> QRectF:
    """Where the button stands in its cell: at the right end, in the middle of the row."""
    width = QFontMetricsF(theme.font("small", "medium", tabular=True)).horizontalAdvance(text) + 2 * PADDING
    width += ICON_SIZE + ICON_GAP if has_icon else 0
    return QRectF(cell.right() - FROM_RIGHT - width, cell.center().y() - HEIGHT / 2, width, HEIGHT)


def paint_row_button(painter: QPainter, cell: QRectF, text: str, icon: str, option: QStyleOptionViewItem) -> None:
    """Paint it, tinted while the mouse is over it."""
    if not text:
        return
    area = row_button_area(cell, text, bool(icon))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.colour("line"), 1))
    painter.setBrush(theme.colour("hover" if _is_over(area, option) else "raised"))
    radius = theme.metrics.radii["control"]
    painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    inner = area.adjusted(PADDING, 0, -PADDING, 0)
    if icon:
        ratio = painter.device().devicePixelRatio()
        spot = QPointF(inner.left(), area.center().y() - ICON_SIZE / 2)
        painter.drawPixmap(spot, theme.pixmap(icon, "text", ICON_SIZE, ratio))
        inner.setLeft(inner.left() + ICON_SIZE + ICON_GAP)
    painter.setFont(theme.font("small", "medium", tabular=True))
    painter.setPen(theme.colour("text"))
    painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text)


def _is_over(area: QRectF, option: QStyleOptionViewItem) -> bool:
    view = option.widget
    if not isinstance(view, QAbstractItemView) or not view.isVisible():
        return False
    at: QPoint = view.viewport().mapFromGlobal(QCursor.pos())
    return view.viewport().underMouse() and area.contains(QPointF(at))
