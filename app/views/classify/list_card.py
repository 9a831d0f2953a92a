"""The card of a list: what it is, how far it is, search and filter, and the table. Buttons only say what is wanted."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from app.models.arrangement import Only
from app.models.result_list import Counts
from app.models.results_table import ResultsTable
from app.theme import theme
from app.views.classify.progress_line import ProgressLine
from app.views.classify.results_view import ResultsView
from app.widgets.banner import Banner
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.search_field import SearchField


class ListCard(Card):
    """Shows a ResultsTable with everything around it.

    Signals:
        searched(str), label_chosen(object): the filter; None is every label, else a label or an Only.
        column_chosen(int), header_toggled(bool): which part of a CSV file holds the texts.
    """

    searched = Signal(str)
    label_chosen = Signal(object)
    column_chosen = Signal(int)
    header_toggled = Signal(bool)

    def __init__(self, table: ResultsTable, parent: QWidget | None = None) -> None:
        super().__init__(padding=0, parent=parent)
        self._has_columns = False
        self.line = ProgressLine(self)
        self.search = SearchField(self.tr("Search the texts"))
        self.labels = _combo(self.tr("Show"), 11)
        self.columns = _combo(self.tr("Column with the texts"), 8)
        self.has_header = QCheckBox(self.tr("First row is a header"))
        self.has_header.setFont(theme.font("small"))
        self._notice = QWidget(self)
        self.banner = Banner("bad", "", parent=self._notice)
        self.again = Button(self.tr("Try again"), "secondary", "rotate-cw", compact=True)
        self.banner.add_action(self.again)
        self.banner.closed.connect(self.hide_error)
        self.view = ResultsView(table, self)
        self._lay_out()
        self.search.textChanged.connect(self.searched)
        self.search.moved.connect(lambda _step: self.view.setFocus())
        self.labels.activated.connect(lambda place: self.label_chosen.emit(self.labels.itemData(place)))
        self.columns.activated.connect(self.column_chosen)
        self.has_header.toggled.connect(self.header_toggled)

    def show_columns(self, columns: Sequence[str], chosen: int, has_header: bool) -> None:
        """Offer the columns of a CSV file; none hides the choice."""
        with QSignalBlocker(self.columns), QSignalBlocker(self.has_header):
            self.columns.clear()
            names = columns if has_header else [self.tr("Column {0}").format(name) for name in columns]
            self.columns.addItems([self.tr("Text: {0}").format(name) for name in names])
            self.columns.setCurrentIndex(chosen)
            self.has_header.setChecked(has_header)
        self._has_columns = bool(columns)
        self.show_source_choice(True)

    def show_source_choice(self, shown: bool) -> None:
        """Which column is read can be changed only while nothing runs."""
        self.columns.setVisible(shown and self._has_columns)
        self.has_header.setVisible(shown and self._has_columns)

    def show_counts(self, counts: Counts, total: int) -> None:
        """Offer every label to filter by, with its number of rows."""
        choices: list[tuple[str, object, int]] = [(self.tr("All rows"), None, total)]
        choices += [(label, label, count) for label, count in counts.labels.items()]
        if counts.labels:
            choices.append((self.tr("not sure"), Only.NOT_SURE, counts.not_sure))
        if counts.failed:
            choices.append((self.tr("failed"), Only.FAILED, counts.failed))
        if counts.cut:
            choices.append((self.tr("cut"), Only.CUT, counts.cut))
        if counts.waiting and counts.labels:
            choices.append((self.tr("waiting"), Only.WAITING, counts.waiting))
        chosen = self.labels.currentData()
        with QSignalBlocker(self.labels):
            _fill(self.labels, choices)
            place = next((place for place, choice in enumerate(choices) if choice[1] == chosen), 0)
            self.labels.setCurrentIndex(place)
        if chosen is not None and place == 0:
            self.label_chosen.emit(None)  # the filter's last row has gone: show everything again

    def reset_filter(self) -> None:
        """Every row of a new list is shown."""
        with QSignalBlocker(self.search), QSignalBlocker(self.labels):
            self.search.clear()
            self.labels.clear()

    def show_error(self, title: str, text: str) -> None:
        """Say why the run stopped."""
        self.banner.set_message(title, text)
        self.banner.show()
        self._notice.show()

    def hide_error(self) -> None:
        """It is dealt with."""
        self._notice.hide()

    def _lay_out(self) -> None:
        filters = QHBoxLayout()
        filters.setContentsMargins(16, 0, 16, 10)
        filters.setSpacing(8)
        self.search.setMinimumWidth(110)
        self.search.setMaximumWidth(360)
        filters.addWidget(self.search, 1)
        filters.addWidget(self.labels)
        filters.addWidget(self.columns)
        filters.addWidget(self.has_header)
        filters.addStretch(0)
        inset = QHBoxLayout(self._notice)
        inset.setContentsMargins(16, 0, 16, 10)
        inset.addWidget(self.banner)
        self._notice.hide()
        self.body.setSpacing(0)
        self.body.addWidget(self.line)
        self.body.addWidget(self._notice)
        self.body.addLayout(filters)
        self.body.addWidget(self.view, 1)
        self.body.setContentsMargins(1, 0, 1, 1)  # the rows end inside the card's hairline


def _combo(name: str, least: int) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setFont(theme.font("control"))
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(least)
    combo.setMinimumWidth(8 * least + 56)  # in a small window it shows a little less
    return combo


def _fill(combo: QComboBox, choices: Sequence[tuple[str, object, int]]) -> None:
    """Change the words in place: a list that is open stays open while the counts grow."""
    while combo.count() > len(choices):
        combo.removeItem(combo.count() - 1)
    for place, (words, data, count) in enumerate(choices):
        text = f"{words} ({count:,})"
        if place == combo.count():
            combo.addItem(text)
        combo.setItemText(place, text)
        combo.setItemData(place, data, Qt.ItemDataRole.UserRole)
