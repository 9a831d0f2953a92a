"""The button that shows the model in use and opens a searchable list of the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.overlay import Overlay
from app.widgets.search_list import Row, SearchList

TASK_ICONS = {
    "text_generation": "message-circle",
    "classification": "tags",
    "translation": "languages",
    "embedding": "waypoints",
}
POPUP_WIDTH = 420
MAX_WIDTH = 420
ICON_SIZE = 16
MORE = " more"  # the id of the last row; no model has such a name


@dataclass(frozen=True)
class ModelItem:
    """A model one can pick; `detail` is for instance "Q4_K_M · llama.cpp", `task` one of TASK_ICONS."""

    id: str
    name: str
    detail: str = ""
    task: str = ""
    loaded: bool = False


class ModelPicker(QPushButton):
    """Shows the current model.

    Signals:
        picked(str): the id of the model the person chose; `set_current` is already done.
        more_requested(): the last row, which is there if `more` has words for it.
    """

    picked = Signal(str)
    more_requested = Signal()

    def __init__(self, more: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._more = more
        self._items: list[ModelItem] = []
        self._current: ModelItem | None = None
        self._popup: ModelPopup | None = None
        self.setAutoDefault(True)  # Enter opens it, as Space does
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.open_popup)
        self._say()

    def set_items(self, items: Sequence[ModelItem]) -> None:
        """Replace the models to choose from; the current one stays if it is still among them."""
        self._items = list(items)
        self.set_current(self._current.id if self._current else "")

    def set_current(self, model_id: str) -> None:
        """Show the model with this id; an unknown id shows that none is chosen."""
        self._current = next((item for item in self._items if item.id == model_id), None)
        self._say()

    def current(self) -> ModelItem | None:
        """The model shown."""
        return self._current

    def open_popup(self) -> None:
        """Open the list below the button."""
        if self._popup is None:
            self._popup = ModelPopup(self)
            self._popup.list.chosen.connect(self._pick)
        rows = [_row(item, self.tr("in memory")) for item in self._items]
        rows += [Row(MORE, self._more, icon="boxes")] if self._more else []
        self._popup.list.set_rows(rows, self._current_id())
        self._popup.open()

    def sizeHint(self) -> QSize:
        name, detail = self._texts()
        width = QFontMetricsF(theme.font("base", "medium")).horizontalAdvance(name)
        width += QFontMetricsF(theme.font("base")).horizontalAdvance(detail) + (8 if detail else 0)
        return QSize(min(MAX_WIDTH, round(width) + 2 * (12 + ICON_SIZE + 8) + 4), 36)

    def minimumSizeHint(self) -> QSize:
        return QSize(140, 36)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        ratio = self.devicePixelRatio()
        top = (self.height() - ICON_SIZE) / 2
        painter.drawPixmap(QPointF(12, top), theme.pixmap("cpu", "accent", ICON_SIZE, ratio))
        chevron = QPointF(self.width() - 12 - ICON_SIZE, top)
        painter.drawPixmap(chevron, theme.pixmap("chevron-down", "text", ICON_SIZE, ratio))
        name, detail = self._texts()
        area = QRectF(self.rect()).adjusted(12 + ICON_SIZE + 8, 0, -(12 + ICON_SIZE + 8), 0)
        area = _draw(painter, area, name, "medium", "text" if self._current else "muted")
        _draw(painter, area.adjusted(8, 0, 0, 0), detail, "normal", "muted")

    def _pick(self, model_id: str) -> None:
        if self._popup is not None:
            self._popup.dismiss()
        if model_id == MORE:
            self.more_requested.emit()
            return
        self.set_current(model_id)
        self.picked.emit(model_id)

    def _current_id(self) -> str:
        return self._current.id if self._current else ""

    def _texts(self) -> tuple[str, str]:
        if self._current is None:
            return self.tr("Choose a model"), ""
        return self._current.name, self._current.detail

    def _say(self) -> None:
        self.setAccessibleName(self.tr("Model: {0}").format(self._texts()[0]))
        self.updateGeometry()
        self.update()


class ModelPopup(Overlay):
    """The list of models, below its button."""

    def __init__(self, button: ModelPicker) -> None:
        super().__init__(button, dim=False)
        self._button = button
        self.list = SearchList(self.tr("Search models"), self.tr("No model matches"))
        inside = QVBoxLayout(self.panel)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.list)
        self.panel.setFocusProxy(self.list)

    def panel_geometry(self) -> QRect:
        below = self._button.mapTo(self.host_window, QPoint(0, self._button.height() + 6))
        width = min(POPUP_WIDTH, self.width() - 24)
        left = max(12, min(below.x(), self.width() - width - 12))
        height = min(self.list.wanted_height(), max(160, self.height() - below.y() - 24))
        return QRect(left, below.y(), width, height)


def _row(item: ModelItem, in_memory: str) -> Row:
    icon = TASK_ICONS.get(item.task, "cpu")
    return Row(item.id, item.name, item.detail, icon, in_memory if item.loaded else "", "ok" if item.loaded else None)


def _draw(painter: QPainter, area: QRectF, text: str, weight: str, role: str) -> QRectF:
    """Draw one text at the left of `area`, elided; returns what is left of the area."""
    painter.setFont(theme.font("base", weight))
    painter.setPen(theme.colour(role))
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, area.width()))
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, shown)
    return area.adjusted(metrics.horizontalAdvance(shown), 0, 0, 0)
