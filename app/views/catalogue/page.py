"""The page of one model of the catalogue: its cards, one below the other, scrolled. Holds no logic: view.py connects them."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.figures import file_size
from app.views.catalogue.access_card import AccessCard
from app.views.catalogue.card_text import readable
from app.views.catalogue.details_card import DetailsCard
from app.views.catalogue.safety_card import SafetyCard
from app.views.catalogue.variant_list import VariantList
from app.widgets.card import Card
from app.widgets.card_column import CardColumn
from app.widgets.file_lines import FileLine
from app.widgets.file_view import FileView
from app.widgets.label import Label
from app.widgets.markdown_view import MarkdownView
from sidecar.types import CatalogueDetail, Variant


class OfferPage(CardColumn):
    """What it is, how to get access, the ways to have it, what is unsafe, its files, and what its makers say."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        inside = self.inside
        self.details = DetailsCard(inside)
        self.access = AccessCard(inside)
        self.variants = VariantList()
        self.variants_card = _holding(self.tr("Choose a version"), self.variants, inside)
        self.safety = SafetyCard(inside)
        self.files = FileView(self.tr("Files"))
        self.files_card = _holding(self.tr("Files"), self.files, inside)
        self._files_sum = Label(role="muted", size="small")
        self.files_card.header.addWidget(self._files_sum)
        self.card = MarkdownView()
        self.card_card = _holding(self.tr("In its makers’ words"), self.card, inside)
        self.show_cards(self.details, *self._after())
        self.begin()

    def begin(self) -> None:
        """Another model is to be shown: nothing of the one before may stay."""
        for card in self._after():
            card.hide()
        self.verticalScrollBar().setValue(0)

    def show_detail(self, detail: CatalogueDetail) -> None:
        """All that is known of it."""
        self.access.show_detail(detail)
        self.variants.set_variants(detail.variants, detail.entry.task)
        self.variants_card.setVisible(len(detail.variants) > 1)
        self.safety.show_findings(detail.safety)
        self.safety.show()
        self.show_files(detail, self.variants.variant())
        text = readable(detail.card)
        self.card.set_markdown(text)
        self.card_card.setVisible(bool(text) and text != detail.entry.why)

    def show_files(self, detail: CatalogueDetail, variant: Variant | None) -> None:
        """The files of the repository; those that would be fetched first."""
        wanted = frozenset(variant.files if variant else ())
        files = sorted(detail.files, key=lambda file: (file.path not in wanted, file.path))
        self.files.set_lines([FileLine(one.path, file_size(one.bytes), quiet=one.path not in wanted) for one in files])
        total = file_size(variant.bytes) if variant else ""
        words = self.tr("{0} of {1} are fetched, {2}").format(len(wanted), len(files), total) if variant else ""
        self._files_sum.setText(words)
        self.files_card.setVisible(bool(files))

    def show_access(self) -> None:
        """Bring the way to access into view, with the focus on its first step."""
        self._bring(self.access, self.access.page_button)

    def show_permissions(self) -> None:
        """Bring what the person may allow into view."""
        box = self.safety.ask()
        if box is not None:
            self._bring(self.safety, box)

    def _bring(self, card: Card, control: QWidget) -> None:
        control.setFocus()
        # Focus scrolls just far enough for the control; the whole card belongs in view, which is laid out by then.
        QTimer.singleShot(0, self, lambda: self.ensureWidgetVisible(card, 0, 16))

    def _after(self) -> tuple[Card, ...]:
        return (self.access, self.variants_card, self.safety, self.files_card, self.card_card)


def _holding(title: str, widget: QWidget, parent: QWidget) -> Card:
    card = Card(title, padding=20, parent=parent)
    card.body.addWidget(widget)
    return card
