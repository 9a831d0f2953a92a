"""What a model of the catalogue is, what it would do on this machine, and the one button that fetches it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.catalogue_words import fit, interval, kind, licence, memory_needed, safety, speed
from app.download_words import bar_role, figures, share
from app.downloads import UNFINISHED
from app.model_words import NONE
from app.views.catalogue.action import PageAction
from app.widgets.bar import Bar
from app.widgets.button import Button
from app.widgets.card import Card
from app.widgets.fact_list import FactList
from app.widgets.label import Label
from app.widgets.pill import Pill
from app.widgets.spinner import Spinner
from sidecar.types import CatalogueDetail, CatalogueEntry, DownloadInfo, Suitability, Variant


class DetailsCard(Card):
    """Signals:
    acted: the one button.
    retry_wanted: ask about it once more.
    """

    acted = Signal()
    retry_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(padding=20, parent=parent)
        self._name = Label(size="title", weight="strong", wrap=True)
        self._fit = Pill("")
        self._repository = Label(role="muted", size="small", wrap=True, selectable=True)
        self._summary = Label(role="muted", size="control", wrap=True)
        self.reason = Label(size="control", wrap=True)
        self.facts = FactList()
        self.busy = Spinner(self.tr("Asking what is in it"), 14)
        self.note = Label(role="muted", size="small", wrap=True)
        self.retry_button = Button(self.tr("Try again"), "secondary", "refresh-cw", compact=True)
        self._bar = Bar()
        self._figures = Label(role="muted", size="small", tabular=True, wrap=True)
        self.button = Button("", "primary")
        self._lay_out()
        self.button.clicked.connect(self.acted)
        self.retry_button.clicked.connect(self.retry_wanted)

    def show_entry(self, entry: CatalogueEntry, why_best: str) -> None:
        """What the list tells; `why_best` is said of the one that is recommended for its task."""
        self.setAccessibleName(entry.name)
        self._name.setText(entry.name)
        self._repository.setText(f"{entry.id} · {kind(entry)}")
        self._summary.setText(entry.why or entry.summary)
        self._summary.setVisible(bool(self._summary.text()))
        self.facts.set(self.tr("Licence"), licence(entry.licence) or self.tr("none is named: ask before you use it"))
        self.facts.set(self.tr("Safety"), self.tr("looking at its files"))
        self._show_suitability(entry, entry.suitability, why_best)
        self._clear_prediction()
        self.say("", busy=True)

    def show_detail(self, detail: CatalogueDetail, variant: Variant | None, why_best: str) -> None:
        """What its files tell, for the chosen variant."""
        suits = variant.suitability if variant else detail.entry.suitability
        recommended = variant is None or variant.recommended
        self._show_suitability(detail.entry, suits, why_best if recommended else "")
        made = detail.prediction if recommended and suits.verdict != "too_large" else None
        self.facts.set(self.tr("Loads in"), interval(made.load_s, "s") if made else "")
        self.facts.set(self.tr("First token"), interval(made.first_token_s, "s") if made else "")
        self.facts.set(self.tr("Safety"), safety(detail.safety).text)
        self.say(self.tr("The hub was not asked now: this is what is known here.") if detail.offline else "")

    def say(self, words: str, *, busy: bool = False, retry: bool = False) -> None:
        """A remark above the button, and whether more is on its way or can be asked for again."""
        self.busy.setVisible(busy)
        self.note.setText(self.tr("Looking at its files") if busy and not words else words)
        self.note.setVisible(bool(self.note.text()))
        self.retry_button.setVisible(retry)
        if retry:
            self.facts.set(self.tr("Safety"), self.tr("not known: its files could not be looked at"))

    def show_action(self, action: PageAction, download: DownloadInfo | None) -> None:
        """What the button does, and how far the download is."""
        self.button.setText(action.words)
        self.button.set_kind("primary" if action.primary else "secondary", action.icon)
        self.button.setEnabled(action.kind not in ("wait", "nothing"))
        under_way = download is not None and download.state in UNFINISHED
        told = download is not None and (under_way or download.state == "failed") and action.kind != "open"
        self._bar.setVisible(under_way)
        self._figures.setVisible(told)
        if download is not None and told:
            self._bar.set_value(share(download), bar_role(download))
            self._figures.setText(figures(download))
            self._figures.set_role("bad_text" if download.state == "failed" else "muted")

    def _show_suitability(self, entry: CatalogueEntry, suits: Suitability, why_best: str) -> None:
        standing = fit(suits)
        self._fit.set_state(standing.text, standing.tone)
        self.reason.setText(why_best or suits.reason)
        rate = speed(suits, entry.task)
        self.facts.set(self.tr("Memory needed"), memory_needed(suits))
        self.facts.set(self.tr("Speed"), "" if rate == NONE else rate)

    def _clear_prediction(self) -> None:
        for title in (self.tr("Loads in"), self.tr("First token")):
            self.facts.set(title, "")

    def _lay_out(self) -> None:
        for title in (self.tr("Memory needed"), self.tr("Speed"), self.tr("First token"), self.tr("Loads in")):
            self.facts.set(title, "")
        self.header.addWidget(self._name, 1)
        self.header.addWidget(self._fit)
        self.body.addLayout(self.header)
        for widget in (self._repository, self._summary, self.reason):
            self.body.addWidget(widget)
        self.body.addSpacing(4)
        self.body.addWidget(self.facts)
        remark = QHBoxLayout()
        remark.setSpacing(8)
        remark.addWidget(self.busy)
        remark.addWidget(self.note, 1)
        self.body.addLayout(remark)
        self.body.addWidget(self.retry_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.body.addSpacing(4)
        for control in (self._bar, self._figures, self.button):
            self.body.addWidget(control)
