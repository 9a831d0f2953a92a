"""Paints a conversation of the sidebar: title, model and time; a dot while it answers; a menu button under the mouse."""

from typing import cast

from PySide6.QtCore import QAbstractItemModel, QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QMouseEvent, QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.models.chat_list import ROW_ROLE, ChatListModel, ChatRow, Heading, Index
from app.theme import theme

ROW_HEIGHT = 56
HEADING_HEIGHT = 36
MENU_SIZE = 24
MARGIN = 12
DOT = 8


class ChatDelegate(QStyledItemDelegate):
    """For a list view whose model is a ChatListModel.

    Signals:
        menu_requested(str, QRect): the menu button of the conversation was pressed; where it is, in the viewport.
    """

    menu_requested = Signal(str, QRect)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, HEADING_HEIGHT if isinstance(index.data(ROW_ROLE), Heading) else ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(ROW_ROLE)
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(entry, Heading):
            _paint_heading(painter, rect, entry.title)
        else:
            model = index.model()
            detail = model.detail(entry) if isinstance(model, ChatListModel) else ""
            self._paint_row(painter, option, entry, detail)
        painter.restore()

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        entry = index.data(ROW_ROLE)
        if isinstance(event, QMouseEvent) and isinstance(entry, ChatRow):
            spot = menu_rect(option.rect)
            pressed = event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton
            if pressed and spot.contains(event.position().toPoint()):
                self.menu_requested.emit(entry.id, spot)
                return True
        return super().editorEvent(event, model, option, index)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setFont(theme.font("control"))
        editor.setAccessibleName(self.tr("Title of the chat"))
        editor.setMaxLength(200)
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """News of the chat must not overwrite what is being typed."""
        if not cast("QLineEdit", editor).isModified():
            super().setEditorData(editor, index)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        editor.setGeometry(rect.adjusted(MARGIN, 10, -MARGIN, -10))

    def _paint_row(self, painter: QPainter, option: QStyleOptionViewItem, row: ChatRow, detail: str) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        area = QRectF(rect).adjusted(MARGIN, 2, -MARGIN, -2)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        _paint_ground(painter, area, selected=bool(state & QStyle.StateFlag.State_Selected), hovered=hovered)
        inner = area.adjusted(10, 7, -10, -7)
        _paint_marks(painter, inner, rect, row, hovered=hovered)
        width = inner.width() - (MENU_SIZE if hovered or row.busy or row.pinned else 0)
        _line(painter, inner.left(), inner.top(), width, row.title, "text", theme.font("base", "medium"))
        _line(painter, inner.left(), inner.top() + 21, inner.width(), detail, "muted", theme.font("small"))


def menu_rect(rect: QRect) -> QRect:
    """Where the menu button of the row in `rect` is."""
    return QRect(rect.right() - MARGIN - 6 - MENU_SIZE, rect.top() + 6, MENU_SIZE, MENU_SIZE)


def _paint_heading(painter: QPainter, rect: QRect, title: str) -> None:
    painter.setFont(theme.font("small", "medium"))
    painter.setPen(theme.colour("muted"))
    area = rect.adjusted(MARGIN + 10, 0, -MARGIN, -6)
    painter.drawText(area, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, title)


def _paint_ground(painter: QPainter, area: QRectF, *, selected: bool, hovered: bool) -> None:
    if not (selected or hovered):
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("selected" if selected else "hover"))
    radius = theme.metrics.radii["control"]
    painter.drawRoundedRect(area, radius, radius)


def _paint_marks(painter: QPainter, inner: QRectF, rect: QRect, row: ChatRow, *, hovered: bool) -> None:
    ratio = painter.device().devicePixelRatio()
    spot = QPointF(menu_rect(rect).center()) - QPointF(7, 7)
    if hovered:
        painter.drawPixmap(spot, theme.pixmap("ellipsis", "muted", 16, ratio))
    elif row.busy:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent"))
        painter.drawEllipse(QRectF(inner.right() - DOT, inner.top() + 5, DOT, DOT))
    elif row.pinned:
        painter.drawPixmap(spot + QPointF(2, 1), theme.pixmap("pin", "muted", 13, ratio))


def _line(painter: QPainter, x: float, y: float, width: float, text: str, role: str, font: object) -> None:
    painter.setFont(font)  # type: ignore[arg-type]
    painter.setPen(theme.colour(role))
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(text.replace("\n", " "), Qt.TextElideMode.ElideRight, width)
    painter.drawText(QPointF(x, y + metrics.ascent()), shown)
