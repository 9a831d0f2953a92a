"""What a new chat shows: a warm word, and a few questions to begin with."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.theme import theme
from app.widgets.label import Label

LOGO = 48
WIDTH = 600
CARD_HEIGHT = 64


class Invitation(QWidget):
    """Shown while a chat has no message.

    Signals:
        suggested(str): one of the questions was taken.
    """

    suggested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.suggestions: list[Suggestion] = []
        self._title = Label(self.tr("What shall we talk about?"), size="welcome", weight="strong")
        self._text = Label("", "muted", wrap=True)
        self._lay_out()
        self.show_model("", local_help=True)

    def show_model(self, name: str, *, local_help: bool) -> None:
        """Speak of the model that will answer; `local_help` when it is the one that knows about Inglenook."""
        text = self.tr("Everything stays on this machine: your questions, your files and the answers.")
        if local_help and name:
            text = self.tr("{0} came with Inglenook and knows all about it. It works without a network.").format(name)
        self._text.setText(text)
        questions = self._about_inglenook() if local_help else self._general()
        for card, (question, hint) in zip(self.suggestions, questions, strict=True):
            card.show_question(question, hint)

    def _lay_out(self) -> None:
        logo = QLabel()
        logo.setPixmap(theme.app_icon().pixmap(QSize(LOGO, LOGO), self.devicePixelRatio()))
        grid = QGridLayout()
        grid.setSpacing(10)
        for place in range(4):
            card = Suggestion()
            card.clicked.connect(lambda _checked=False, card=card: self.suggested.emit(card.text()))
            self.suggestions.append(card)
            grid.addWidget(card, place // 2, place % 2)
        self._text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        middle = QWidget()
        middle.setMaximumWidth(WIDTH)
        column = QVBoxLayout(middle)
        column.setSpacing(8)
        for widget in (logo, self._title):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._text)
        column.addSpacing(16)
        column.addLayout(grid)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(24, 16, 24, 16)
        outside.addStretch(3)
        outside.addWidget(middle, 0, Qt.AlignmentFlag.AlignHCenter)
        outside.addStretch(4)
        middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        middle.setMinimumWidth(min(WIDTH, 480))

    def _about_inglenook(self) -> list[tuple[str, str]]:
        return [
            (self.tr("What is Inglenook?"), self.tr("The idea in two sentences")),
            (self.tr("How do I download a model?"), self.tr("More models, for other work")),
            (self.tr("How do I use the API?"), self.tr("From scripts and other applications")),
            (self.tr("How much memory does a model need?"), self.tr("And what fits on this machine")),
        ]

    def _general(self) -> list[tuple[str, str]]:
        return [
            (self.tr("Explain photosynthesis simply."), self.tr("As to a ten-year-old")),
            (self.tr("Write a polite payment reminder."), self.tr("A first draft")),
            (self.tr("Remove duplicate lines in Python."), self.tr("A function, with an example")),
            (self.tr("Give me five ideas for a rainy Sunday."), self.tr("Something to begin with")),
        ]


class Suggestion(QAbstractButton):
    """A question on a card; `text()` is the question."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hint = ""
        self.setFixedHeight(CARD_HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_question(self, question: str, hint: str) -> None:
        """Offer another question."""
        self._hint = hint
        self.setText(question)
        self.setToolTip(question)
        self.setAccessibleName(question)
        self.setAccessibleDescription(hint)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, CARD_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        hot = self.underMouse() or self.isDown()
        painter.setPen(theme.colour("faint" if hot else "line"))
        painter.setBrush(theme.colour("hover" if hot else "surface"))
        radius = theme.metrics.radii["card"]
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        inner = self.rect().adjusted(14, 12, -14, -11)
        self._draw(painter, inner, Qt.AlignmentFlag.AlignTop, self.text(), "text", "medium")
        self._draw(painter, inner, Qt.AlignmentFlag.AlignBottom, self._hint, "muted", "normal")

    def _draw(
        self, painter: QPainter, area: object, align: Qt.AlignmentFlag, text: str, role: str, weight: str
    ) -> None:
        painter.setFont(theme.font("control" if weight == "medium" else "small", weight))
        painter.setPen(theme.colour(role))
        width = self.width() - 28
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)
        painter.drawText(area, align | Qt.AlignmentFlag.AlignLeft, shown)  # type: ignore[call-overload]
