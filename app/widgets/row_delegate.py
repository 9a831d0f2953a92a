"""Paints a Row of a SearchList: icon, title with its detail, and at the right a badge or a few plain words."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.theme import theme
from app.widgets.pill import HEIGHT as PILL_HEIGHT
from app.widgets.pill import paint_pill, pill_width

ROW_HEIGHT = 40
MARGIN = 6
ICON_SIZE = 16


class RowDelegate(QStyledItemDelegate):
    """The current row is filled; the mouse over a row tints it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row = index.data(Qt.ItemDataRole.UserRole)
        area = QRectF(option.rect).adjusted(MARGIN, 1, -MARGIN, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, area)
        inner = area.adjusted(10, 0, -10, 0)
        if row.icon:
            ratio = painter.device().devicePixelRatio()
            spot = QPointF(inner.left(), area.center().y() - ICON_SIZE / 2)
            painter.drawPixmap(spot, theme.pixmap(row.icon, "muted", ICON_SIZE, ratio))
            inner.setLeft(inner.left() + ICON_SIZE + 10)
        if row.trailing:
            inner.setRight(_paint_trailing(painter, inner, row.trailing, row.tone) - 12)
        _paint_title(painter, inner, row.title, row.detail)
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, area: QRectF) -> None:
        state: QStyle.StateFlag = option.state
        role = None
        if state & QStyle.StateFlag.State_Selected:
            role = "selected"
        elif state & QStyle.StateFlag.State_MouseOver:
            role = "hover"
        if role:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(role))
            radius = theme.metrics.radii["control"]
            painter.drawRoundedRect(area, radius, radius)


def _paint_trailing(painter: QPainter, area: QRectF, text: str, tone: str | None) -> float:
    """Paint at the right end of `area`; returns the left edge of what was painted."""
    if tone:
        width = pill_width(text)
        spot = QRectF(area.right() - width, area.center().y() - PILL_HEIGHT / 2, width, PILL_HEIGHT)
        paint_pill(painter, spot, text, tone)  # type: ignore[arg-type]
        return spot.left()
    painter.setFont(theme.font("small"))
    painter.setPen(theme.colour("muted"))
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
    return area.right() - QFontMetricsF(painter.font()).horizontalAdvance(text)


def _paint_title(painter: QPainter, area: QRectF, title: str, detail: str) -> None:
    painter.setFont(theme.font("base", "medium"))
    painter.setPen(theme.colour("text"))
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(title, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, shown)
    rest = area.adjusted(metrics.horizontalAdvance(shown) + 8, 0, 0, 0)
    if detail and rest.width() > 40:
        painter.setFont(theme.font("small"))
        painter.setPen(theme.colour("muted"))
        shown = QFontMetricsF(painter.font()).elidedText(detail, Qt.TextElideMode.ElideRight, rest.width())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, shown)
