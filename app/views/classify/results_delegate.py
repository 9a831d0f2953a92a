"""Paints the table of results: text, label badges, a bar with its percentage, the row number."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from app.models.arrangement import Column
from app.models.results_table import CUT_ROLE, PROBABILITY_ROLE, VERDICT_ROLE
from app.models.rows import Index
from app.models.verdict import Verdict
from app.theme import theme
from app.widgets.bar import HEIGHT as BAR_HEIGHT
from app.widgets.bar import paint_bar
from app.widgets.pill import HEIGHT as PILL_HEIGHT
from app.widgets.pill import Tone, paint_pill, pill_width
from app.widgets.table_delegate import TableDelegate
from app.widgets.table_row import paint_line

PERCENT_WIDTH = 52
_GOOD = frozenset({"positive", "pos", "very positive", "yes", "entailment", "ham", "safe"})
_BAD = frozenset({"negative", "neg", "very negative", "no", "contradiction", "spam", "toxic", "unsafe"})
_PLAIN = frozenset({"neutral", "none", "other"})


def tone_of(label: str) -> Tone:
    """The colour of a label's badge: well-known words have their own, all others the accent."""
    word = label.replace("_", " ").casefold()
    if word in _GOOD:
        return "ok"
    if word in _BAD:
        return "bad"
    return "neutral" if word in _PLAIN else "accent"


class ResultsDelegate(TableDelegate):
    """Labels as badges, probabilities as bars."""

    row_height = 40

    def paint_words(self, painter: QPainter, inner: QRectF, index: Index) -> None:
        column = Column(index.column())
        if column == Column.TEXT:
            paint_line(painter, inner, index.data(), "text")
        elif column == Column.LABEL:
            self._paint_label(painter, inner, index.data(VERDICT_ROLE), cut=index.data(CUT_ROLE))
        elif column == Column.PROBABILITY:
            _paint_probability(painter, inner, index.data(PROBABILITY_ROLE), index.data())
        else:
            paint_line(painter, inner, index.data(), "muted", tabular=True)

    def _paint_label(self, painter: QPainter, area: QRectF, state: Verdict | str | None, *, cut: bool) -> None:
        aside: list[tuple[str, Tone]] = [(self.tr("cut"), "warning")] if cut else []
        if state is None:
            paint_line(painter, area, self.tr("waiting"), "faint")
        elif isinstance(state, str):
            _paint_pills(painter, area, [(self.tr("failed"), "bad")])
        elif not state.sure:
            _paint_pills(painter, area, [(self.tr("not sure"), "warning"), *aside])
        else:
            _paint_pills(painter, area, [*((label, tone_of(label)) for label in state.labels), *aside])


def _paint_pills(painter: QPainter, area: QRectF, pills: list[tuple[str, Tone]]) -> None:
    left = area.left()
    for text, tone in pills:
        room = area.right() - left
        if room < 24:
            return
        width = min(pill_width(text), room)
        shown = QFontMetricsF(theme.font("tiny", "medium")).elidedText(text, Qt.TextElideMode.ElideRight, width - 10)
        paint_pill(painter, QRectF(left, area.center().y() - PILL_HEIGHT / 2, width, PILL_HEIGHT), shown, tone)
        left += width + 4


def _paint_probability(painter: QPainter, area: QRectF, value: float, text: str) -> None:
    if value < 0:
        return
    bar = QRectF(area.left(), area.center().y() - BAR_HEIGHT / 2, area.width() - PERCENT_WIDTH - 8, BAR_HEIGHT)
    paint_bar(painter, bar, value, "faint")
    painter.setFont(theme.font("base", tabular=True))
    painter.setPen(theme.colour("text"))
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
