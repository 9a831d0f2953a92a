"""How the rows of tables look: a ground, and on it a button, or words in one line or two. The model says which."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.models.rows import ICON_ROLE, NOTE_ROLE, STANDING_ROLE, Index
from app.widgets.pill import HEIGHT as PILL_HEIGHT
from app.widgets.pill import paint_pill, pill_width
from app.widgets.row_button import paint_row_button
from app.widgets.table_row import paint_ground, paint_line

MARGIN = 16  # before what stands in a cell


class TableDelegate(QStyledItemDelegate):
    """One delegate for all columns. Subclasses paint the words of a cell."""

    row_height: int
    behind = 8  # the margin at a cell's end

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(0, self.row_height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area = QRectF(option.rect)
        painter.save()
        paint_ground(painter, area, option, index)
        icon = index.data(ICON_ROLE)
        if icon is None:
            self.paint_words(painter, area.adjusted(MARGIN, 0, -self.behind, -1), index)
        else:
            paint_row_button(painter, area, str(index.data()), icon, option)
        painter.restore()

    def paint_words(self, painter: QPainter, inner: QRectF, index: Index) -> None:
        """Paint into `inner`, which is the cell without its margins."""
        raise NotImplementedError


class TwoLineDelegate(TableDelegate):
    """A text or a badge, and a note under it where there is one. The first column has the row's name."""

    row_height = 58

    def paint_words(self, painter: QPainter, inner: QRectF, index: Index) -> None:
        note = self.note(index)
        if not note:
            self.paint_text(painter, inner, index)
            return
        upper, lower = two_lines(inner)
        self.paint_text(painter, upper, index)
        paint_line(painter, lower, note, "muted", "small", tabular=True)

    def paint_text(self, painter: QPainter, area: QRectF, index: Index) -> None:
        """What stands above the note."""
        standing = index.data(STANDING_ROLE)
        if standing is not None:
            width = min(pill_width(standing.text), area.width())
            spot = QRectF(area.left(), area.center().y() - PILL_HEIGHT / 2, width, PILL_HEIGHT)
            paint_pill(painter, spot, standing.text, standing.tone)
        elif index.column() == 0:
            paint_line(painter, area, index.data(), "text", "base", "strong", tabular=True)
        else:
            paint_line(painter, area, index.data(), "muted", "control", tabular=True)

    def note(self, index: Index) -> str:
        """What stands under it, if anything."""
        return str(index.data(NOTE_ROLE) or "")


def two_lines(inner: QRectF) -> tuple[QRectF, QRectF]:
    """Where the text of a cell stands, and the note under it."""
    middle = inner.center().y()
    return QRectF(inner.left(), middle - 20, inner.width(), 20), QRectF(inner.left(), middle + 1, inner.width(), 18)
