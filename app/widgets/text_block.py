"""The ground of every block of an answer: read-only rich text as high as its content, that loads nothing from anywhere."""

from PySide6.QtCore import QByteArray, QMimeData, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QTextDocumentFragment, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QTextBrowser, QWidget

from app.theme import theme

CARET_WIDTH = 8
PAD = "\u202f"  # stands at both ends of inline code, for its tinted ground; never copied
JOINER = "\u2060"  # stands where inline code must not be broken; never copied


class TextBlock(QTextBrowser):
    """Selectable text without scrolling of its own.

    Signals:
        link_activated(str): a link was clicked or chosen by keyboard; nothing has been opened.
    """

    link_activated = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._caret = False
        self.setProperty("frameless", True)
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setFont(theme.font("base"))
        self.document().setDocumentMargin(0)
        self.document().setDefaultFont(theme.font("base"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
            | Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.document().documentLayout().documentSizeChanged.connect(self._fit_height)
        self._fit_height()
        self.anchorClicked.connect(lambda url: self.link_activated.emit(url.toString()))
        self.highlighted.connect(lambda url: self.setToolTip(url.toString()))

    def set_caret(self, shown: bool) -> None:
        """Show or hide the caret that marks where the answer is growing."""
        if shown != self._caret:
            self._caret = shown
            self.viewport().update()

    def extra_height(self) -> int:
        """Logical pixels below the text, for instance for a scroll bar."""
        return 0

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Nothing is ever loaded, neither from the network nor from disk. (For None, Qt would read files itself.)"""
        return QByteArray(b" ")

    def createMimeDataFromSelection(self) -> QMimeData:
        data = QMimeData()
        data.setText(clean_text(self.textCursor().selection()))
        return data

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the conversation around it scrolls

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._caret:
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent"))
            painter.drawRoundedRect(self._caret_rect(), 2, 2)

    def _caret_rect(self) -> QRectF:
        cursor = self.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        spot = QRectF(self.cursorRect(cursor))
        height = min(spot.height(), float(self.fontMetrics().height()))
        left = min(spot.left() + 2, self.viewport().width() - CARET_WIDTH)
        return QRectF(left, spot.top() + 1, CARET_WIDTH, height - 2)

    def _fit_height(self) -> None:
        height = round(self.document().size().height() + 0.49) + self.extra_height()
        if height != self.height():
            self.setFixedHeight(max(1, height))


def clean_text(fragment: QTextDocumentFragment) -> str:
    """The text of a selection as it was written: without what holds inline code together."""
    return fragment.toPlainText().replace(PAD, "").replace(JOINER, "")
