"""The Welcome view: the machine, the starter models, the three downloads that suit it best."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout

from app.model_uses import has_view, use_of
from app.service_state import ServiceState
from app.view import Frame, View
from app.views.welcome.facts import Facts
from app.views.welcome.starter_card import StarterCard
from app.views.welcome.suggestions import Suggestions
from app.widgets.button import Button
from app.widgets.centred_column import CentredColumn
from app.widgets.elided_label import ElidedLabel
from app.widgets.label import Label
from sidecar.types import ModelInfo

COLUMN_WIDTH = 980
TWO_COLUMNS_FROM, THREE_COLUMNS_FROM = 660, 980


class WelcomeView(View):
    """Shown at the first start, and from the product's name."""

    name = "welcome"
    title = "Welcome"
    icon = "info"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # Tab goes from button to button
        self.facts = Facts()
        self.starters = QGridLayout()
        self.starters.setSpacing(16)
        self.cards: list[StarterCard] = []
        self._hint = Label(role="muted", size="control", wrap=True)
        self.suggestions = Suggestions(frame)
        self._remark = ElidedLabel(role="muted", size="small")
        self._lay_out()
        self.session.state_changed.connect(self._on_state)
        self.session.models_changed.connect(self._show_starters)
        self.session.machine.changed.connect(self._show_machine)
        self.suggestions.shown.connect(self._place_cards)
        self._on_state(self.session.state)
        self._show_starters()
        self._show_machine()

    def activated(self) -> None:
        self.setFocus()  # the page, not a control: Tab leads to the first one
        self.suggestions.refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._page.keyPressEvent(event)  # Page Down and the arrows scroll while no control has the focus

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(Label(self.tr("Welcome to Inglenook"), size="welcome", weight="strong"))
        column.addSpacing(8)
        promise = self.tr("Models run here, on your machine. Nothing you type leaves it.")
        column.addWidget(Label(promise, "muted", "lead", wrap=True))
        column.addSpacing(28)
        column.addWidget(self.facts)
        column.addSpacing(36)
        remark = ElidedLabel(self.tr("small starter models, no download, no network"), "muted", "small")
        column.addLayout(_heading(self.tr("Ready now"), remark))
        column.addSpacing(12)
        column.addLayout(self.starters)
        column.addWidget(self._hint)
        column.addSpacing(32)
        column.addLayout(self._best_heading())
        column.addSpacing(12)
        column.addWidget(self.suggestions)
        column.addStretch(1)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        self._page = CentredColumn(column, COLUMN_WIDTH, (40, 48, 40, 40))
        outside.addWidget(self._page)

    def _best_heading(self) -> QHBoxLayout:
        more = Button(self.tr("More in the Catalogue"), "link", "compass")
        more.clicked.connect(lambda: self.frame.show_view("catalogue"))
        row = _heading(self.tr("Best for this machine"), self._remark)
        row.addWidget(more, 0, Qt.AlignmentFlag.AlignBaseline)
        return row

    def _on_state(self, state: ServiceState) -> None:
        self._show_hint()

    def _show_machine(self) -> None:
        """Speeds can be predicted once the machine is measured."""
        if self.session.machine.system is None:
            return
        self.facts.show_system(self.session.machine.system)
        words = self.tr("sizes and speeds are predicted from the measurement above")
        if not self.session.machine.measured:
            words = self.tr("speeds follow once this machine has been measured")
        elif self.session.machine.rough:
            words = self.tr("measured while other programs were busy: it is really quicker, and is measured again")
        self._remark.setText(words)
        self.suggestions.refresh()

    def _show_starters(self) -> None:
        starters = [model for model in self.session.models if model.builtin and has_view(model.model_type)]
        if [card.model_id for card in self.cards] != [model.id for model in starters]:
            self._rebuild(starters)
        self._show_hint()

    def _rebuild(self, starters: list[ModelInfo]) -> None:
        for card in self.cards:
            self.starters.removeWidget(card)
            card.deleteLater()
        self.cards = [StarterCard(model, primary=index == 0) for index, model in enumerate(starters)]
        for card in self.cards:
            card.used.connect(self._use)
        self._place_cards()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_cards()

    def _place_cards(self) -> None:
        """Side by side where there is room, below one another where there is not."""
        columns = 1 if self.width() < TWO_COLUMNS_FROM else 2
        self.starters.setColumnStretch(1, columns - 1)
        self.starters.setColumnStretch(0, 1)
        for index, card in enumerate(self.cards):
            self.starters.addWidget(card, index // columns, index % columns)
        self.suggestions.place(3 if self.width() >= THREE_COLUMNS_FROM else 1)

    def hint(self) -> str:
        """Why there are no models to show; empty when there are."""
        return self._hint.text()

    def _show_hint(self) -> None:
        if self.cards:
            words = ""
        elif self.session.models_known:
            words = self.tr("This installation came without starter models.")
        else:
            words = self.tr("They are listed as soon as the service has started.")
        self._hint.setText(words)
        self._hint.setVisible(bool(words))

    def _use(self, model: ModelInfo) -> None:
        self.frame.show_view(use_of(model.model_type).view).use_model(model.id)


def _heading(title: str, remark: ElidedLabel) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(10)
    row.addWidget(Label(title, size="lead", weight="strong"), 0, Qt.AlignmentFlag.AlignBaseline)
    row.addWidget(remark, 1, Qt.AlignmentFlag.AlignBaseline)
    return row
