"""A side panel that slides in at the right edge of a layout, with a title and a close button."""

from PySide6.QtCore import QEasingCurve, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.widgets.icon_button import IconButton
from app.widgets.label import Label

WIDTH = 320
SLIDE_MS = 160


class Drawer(QFrame):
    """Closed at first; put it last into a horizontal layout and add content to `body`.

    Signals:
        toggled(bool): it was opened or closed.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.setProperty("hairline", "left")
        self._open = False
        inside = QWidget()
        inside.setFixedWidth(WIDTH - 1)
        self.body = QVBoxLayout()
        self._close = IconButton("x", self.tr("Close"), size=28)
        self._close.clicked.connect(lambda: self.set_open(False))
        self._lay_out(inside, title)
        self._slide = QVariantAnimation(self)
        self._slide.setDuration(SLIDE_MS)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._slide.valueChanged.connect(self.setFixedWidth)
        self._slide.finished.connect(self._on_slid)
        self.setFixedWidth(0)
        self.hide()

    def is_open(self) -> bool:
        """Whether it is open, or on its way to be."""
        return self._open

    def set_open(self, wanted: bool) -> None:
        """Slide in or out."""
        if wanted == self._open:
            return
        self._open = wanted
        self.show()
        self._slide.stop()
        self._slide.setStartValue(self.width())
        self._slide.setEndValue(WIDTH if wanted else 0)
        self._slide.start()
        self.toggled.emit(wanted)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.set_open(False)
        else:
            super().keyPressEvent(event)

    def _lay_out(self, inside: QWidget, title: str) -> None:
        outside = QHBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(inside, 0, Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        header = QHBoxLayout()
        header.setContentsMargins(20, 16, 12, 8)
        header.addWidget(Label(title, weight="strong"), 1)
        header.addWidget(self._close)
        column.addLayout(header)
        column.addWidget(self._scroll_area(), 1)

    def _scroll_area(self) -> QScrollArea:
        content = QWidget()
        self.body.setContentsMargins(20, 8, 20, 20)
        self.body.setSpacing(12)
        self.body.setAlignment(Qt.AlignmentFlag.AlignTop)
        content.setLayout(self.body)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(content)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _on_slid(self) -> None:
        # Hidden when closed, so that Tab does not walk through controls nobody sees.
        self.setVisible(self._open)
