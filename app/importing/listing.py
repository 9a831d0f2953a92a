"""What was found, as a card: the list with a box for all, or that it is being looked for, that there is nothing, or why not."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from app.importing.asking import Findings
from app.importing.table import ImportTable
from app.models.importables import Importables
from app.theme import theme
from app.transfer_words import sentence
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.hairline import Hairline
from app.widgets.icon_label import IconLabel
from app.widgets.label import Label
from app.widgets.spinner import Spinner
from sidecar.types import Importable

MESSAGE_WIDTH = 460
CORNER = 6  # rows would else lie over the card's round corners


class Listing(Card):
    """Signals:
    retry_wanted: look again.
    confirmed: Enter in the list.
    """

    retry_wanted = Signal()
    confirmed = Signal()

    def __init__(self, found: Importables, parent: QWidget | None = None) -> None:
        super().__init__(padding=0, parent=parent)
        self.found = found
        self.all_box = QCheckBox(self.tr("All"))
        self.all_box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.all_box.setFont(theme.font("small", "medium"))
        self.table = ImportTable(found)
        self.note = Label(role="muted", size="small", wrap=True)
        self._note_page = QWidget()
        self._icon = IconLabel("hard-drive", "accent", 28)
        self.message = Label(role="muted", size="control", wrap=True)
        self.retry_button = Button(self.tr("Look again"), "secondary", "rotate-cw", compact=True)
        self.spinner = Spinner(self.tr("Looking for models"), 18)
        self._above = QWidget()
        self._listed = QVBoxLayout()
        self._pages = QStackedWidget()
        self._lay_out()
        self.all_box.clicked.connect(lambda ticked: self.found.tick(self.found.usable(), ticked=ticked))
        self.retry_button.clicked.connect(self.retry_wanted)
        self.table.row_changed.connect(self._show_note)
        self.table.confirmed.connect(self.confirmed)
        found.ticked.connect(self._show_all_box)

    def show_busy(self) -> None:
        """Looking."""
        self._say(self.tr("Looking for models…"))
        self.spinner.show()
        self._icon.hide()

    def show_failure(self, why: str) -> None:
        """It could not be looked."""
        self._say(why, bad=True)
        self.retry_button.show()

    def show_findings(self, findings: Findings) -> None:
        """The list, or why it is empty."""
        self.found.set_found(findings.found, tick=bool(findings.paths))
        if not findings.found:
            self._say(" ".join(findings.problems) or self._nothing(), bad=bool(findings.problems))
            return
        several = len(self.found.usable()) > 1
        self._above.setVisible(several)
        self._listed.setContentsMargins(0, 0 if several else CORNER, 0, CORNER)
        self._pages.setCurrentIndex(0)
        self.table.selectRow(0)
        self._show_note()

    def _nothing(self) -> str:
        return self.tr(
            "No models of other programs were found on this machine. Choose a file or a folder, drop one onto the window,"
            " or give an address."
        )

    def _say(self, words: str, *, bad: bool = False) -> None:
        self.found.set_found((), tick=False)
        self.spinner.hide()
        self.retry_button.hide()
        self._icon.show()
        self._icon.set_icon(*(("circle-alert", "bad_text") if bad else ("hard-drive", "accent")))
        self.message.setText(words)
        self.message.set_role("bad_text" if bad else "muted")
        self.message.setMinimumHeight(self.message.heightForWidth(MESSAGE_WIDTH))
        self._pages.setCurrentIndex(1)

    def _show_all_box(self) -> None:
        usable, chosen = len(self.found.usable()), len(self.found.chosen())
        self.all_box.setTristate(0 < chosen < usable)
        whole = Qt.CheckState.Checked if chosen and chosen == usable else Qt.CheckState.Unchecked
        self.all_box.setCheckState(Qt.CheckState.PartiallyChecked if 0 < chosen < usable else whole)

    def _show_note(self) -> None:
        """What is to be known of the current row, where its line has no room for that."""
        found = self.found.at(self.table.currentIndex().row())
        words = _details(found) if found is not None else ""
        self.note.setText(words)
        self._note_page.setVisible(bool(words))
        QTimer.singleShot(0, self._keep_in_sight)  # the note takes room from the list

    def _keep_in_sight(self) -> None:
        self.table.scrollTo(self.table.currentIndex())

    def _lay_out(self) -> None:
        self.body.setSpacing(0)
        beside_all = QHBoxLayout()
        beside_all.setContentsMargins(15, 9, 16, 9)
        beside_all.addWidget(self.all_box)
        beside_all.addStretch(1)
        above = QVBoxLayout(self._above)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(0)
        above.addLayout(beside_all)
        above.addWidget(Hairline())
        beside = QVBoxLayout()
        beside.setContentsMargins(16, 8, 16, 10 - CORNER)
        beside.addWidget(self.note)
        below = QVBoxLayout(self._note_page)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(Hairline())
        below.addLayout(beside)
        page = QWidget()
        page.setLayout(self._listed)
        self._listed.setSpacing(0)
        self._listed.addWidget(self._above)
        self._listed.addWidget(self.table, 1)
        self._listed.addWidget(self._note_page)
        self._pages.addWidget(page)
        self._pages.addWidget(self._told())
        self.body.addWidget(self._pages, 1)

    def _told(self) -> QWidget:
        page = QWidget()
        self.message.setFixedWidth(MESSAGE_WIDTH)
        self.message.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = QVBoxLayout(page)
        column.setSpacing(12)
        column.addStretch(1)
        for widget in (self._icon, self.spinner, self.message, self.retry_button):
            column.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        return page


def _details(found: Importable) -> str:
    problem = [f"{found.name}: {sentence(found.problem)}"] if found.problem else []
    return " ".join((*problem, *map(sentence, found.notes)))
