"""A list of files on screen, painted: name at the left, shortened in its middle; size or progress at the right."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.theme import theme
from app.widgets.bar import paint_bar
from app.widgets.file_lines import LINE_ROLE, FileLine, FileList

ROW_HEIGHT = 24
ROW_HEIGHT_WITH_BAR = 38
MOST_SHOWN = 10  # at once; more are scrolled
BAR_HEIGHT = 4


class FileView(QListView):
    """As high as its rows, up to MOST_SHOWN of them."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.files = FileList(self)
        self.setModel(self.files)
        self.setItemDelegate(FileDelegate(self))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QListView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def set_lines(self, lines: list[FileLine]) -> None:
        """Show these."""
        self.files.set_lines(lines)
        heights = [_height(line) for line in lines[:MOST_SHOWN]]
        self.setFixedHeight(max(1, sum(heights)))


class FileDelegate(QStyledItemDelegate):
    """One line, and a thin bar under it while the file is on its way."""

    def sizeHint(self, _option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, _height(index.data(LINE_ROLE)))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        line: FileLine = index.data(LINE_ROLE)
        painter.save()
        area = QRectF(option.rect).adjusted(0, 0, -6, 0)
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_HasFocus:
            painter.fillRect(option.rect, theme.colour("selected"))
        painter.setFont(theme.font("small", tabular=True))
        metrics = QFontMetricsF(painter.font())
        words = area.adjusted(0, 0, 0, ROW_HEIGHT - area.height())
        painter.setPen(theme.colour("bad_text" if line.bad else "muted"))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, line.words)
        words.setRight(words.right() - metrics.horizontalAdvance(line.words) - 12)
        painter.setPen(theme.colour("muted" if line.quiet else "text"))
        shown = metrics.elidedText(line.path, Qt.TextElideMode.ElideMiddle, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, shown)
        if line.share is not None:
            bar = QRectF(area.left(), area.top() + ROW_HEIGHT + 1, area.width(), BAR_HEIGHT)
            paint_bar(painter, bar, line.share, "bad" if line.bad else "faint" if line.quiet else "accent")
        painter.restore()


def _height(line: FileLine) -> int:
    return ROW_HEIGHT if line.share is None else ROW_HEIGHT_WITH_BAR
