"""The ways to have a model on screen: one of them chosen, as with radio buttons, and painted: there may be thirty."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.models.rows import NOTE_ROLE, STANDING_ROLE, Index
from app.models.variants import HEADING_ROLE, SIZE_ROLE, Variants
from app.theme import theme
from app.widgets.pill import HEIGHT as PILL_HEIGHT
from app.widgets.pill import paint_pill, pill_width
from app.widgets.table_row import paint_line
from sidecar.types import ModelType, Variant

ROW_HEIGHT = 50
ABOVE_HEADING, BELOW_HEADING = 10, 6
RADIO = 16
TEXT_X = 30
SIDE = 10


class VariantList(QListView):
    """As high as its rows: the page around it scrolls.

    Signals:
        variant_chosen(Variant): another one.
    """

    variant_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Ways to have the model"))
        self.variants = Variants(self)
        self.setModel(self.variants)
        self.setItemDelegate(VariantDelegate(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)

    def set_variants(self, variants: Sequence[Variant], task: ModelType) -> None:
        """Show these, the recommended one chosen."""
        self.variants.set_variants(variants, task)
        best = next((one for one in variants if one.recommended), variants[0] if variants else None)
        if best is not None:
            self.choose(best.name)
        self._fit()

    def choose(self, name: str) -> None:
        """Choose the variant of that name."""
        self.setCurrentIndex(self.variants.index(self.variants.row_of(name)))

    def variant(self) -> Variant | None:
        """The chosen one."""
        return self.variants.variant_at(self.currentIndex().row())

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if (variant := self.variant()) is not None and not selected.isEmpty():
            self.variant_chosen.emit(variant)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.scheduleDelayedItemsLayout()
            self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(max(1, sum(self.sizeHintForRow(row) for row in range(self.variants.rowCount()))))


class VariantDelegate(QStyledItemDelegate):
    """An explanation over the whole width, or a radio button with name, size, note and badge."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        heading = index.data(HEADING_ROLE)
        if not heading:
            return QSize(0, ROW_HEIGHT)
        view = self.parent()
        width = view.viewport().width() if isinstance(view, VariantList) else option.rect.width()
        return QSize(0, ABOVE_HEADING + round(_heading_height(str(heading), width)) + BELOW_HEADING)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(option.rect)
        heading = index.data(HEADING_ROLE)
        if heading:
            painter.setFont(theme.font("small"))
            painter.setPen(theme.colour("muted"))
            words = area.adjusted(0, ABOVE_HEADING, 0, 0)
            painter.drawText(words, int(Qt.TextFlag.TextWordWrap), str(heading))
        else:
            _paint_variant(painter, area, option, index)
        painter.restore()


def _paint_variant(painter: QPainter, area: QRectF, option: QStyleOptionViewItem, index: Index) -> None:
    state: QStyle.StateFlag = option.state
    chosen = bool(state & QStyle.StateFlag.State_Selected)
    ground = area.adjusted(0.5, 2.5, -0.5, -2.5)
    focused = chosen and option.widget is not None and option.widget.hasFocus()
    radius = theme.metrics.radii["control"]
    painter.setPen(QPen(theme.colour("accent" if focused else "line"), 1))
    hovered = bool(state & QStyle.StateFlag.State_MouseOver)
    painter.setBrush(theme.colour("accent_soft" if chosen else "hover" if hovered else "surface"))
    painter.drawRoundedRect(ground, radius, radius)
    _paint_radio(painter, QPointF(ground.left() + SIDE, ground.center().y() - RADIO / 2), chosen=chosen)
    inner = ground.adjusted(SIDE + TEXT_X - 4, 0, -SIDE, 0)
    standing = index.data(STANDING_ROLE)
    width = pill_width(standing.text)
    spot = QRectF(inner.right() - width, inner.center().y() - PILL_HEIGHT / 2, width, PILL_HEIGHT)
    paint_pill(painter, spot, standing.text, standing.tone)
    inner.setRight(spot.left() - 8)
    _paint_words(painter, inner, index)


def _paint_words(painter: QPainter, inner: QRectF, index: Index) -> None:
    note = str(index.data(NOTE_ROLE) or "")
    upper = QRectF(inner.left(), inner.center().y() - 18, inner.width(), 19) if note else inner
    size = str(index.data(SIZE_ROLE))
    room = QFontMetricsF(theme.font("control", tabular=True)).horizontalAdvance(size) + 10
    name = str(index.data())
    paint_line(painter, upper.adjusted(0, 0, -room, 0), name, "text", "control", "strong")
    taken = min(painter.fontMetrics().horizontalAdvance(name), upper.width() - room)
    paint_line(painter, upper.adjusted(taken + 10, 0, 0, 0), size, "muted", "control", tabular=True)
    if note:
        lower = QRectF(inner.left(), inner.center().y() + 1, inner.width(), 17)
        paint_line(painter, lower, note, "muted", "small", tabular=True)


def _paint_radio(painter: QPainter, corner: QPointF, *, chosen: bool) -> None:
    circle = QRectF(corner.x(), corner.y(), RADIO, RADIO).adjusted(0.5, 0.5, -0.5, -0.5)
    painter.setPen(QPen(theme.colour("accent_fill" if chosen else "faint"), 4.5 if chosen else 1))
    painter.setBrush(theme.colour("surface"))
    painter.drawEllipse(circle.adjusted(1.75, 1.75, -1.75, -1.75) if chosen else circle)


def _heading_height(text: str, width: int) -> float:
    metrics = QFontMetricsF(theme.font("small"))
    return metrics.boundingRect(QRectF(0, 0, width, 1000), int(Qt.TextFlag.TextWordWrap), text).height()
