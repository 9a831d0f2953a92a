"""Three models worth downloading for this machine, and what becomes of them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app import operations
from app.catalogue_words import request
from app.download_requests import DownloadRequests
from app.downloads import UNFINISHED
from app.model_uses import has_view, use_of
from app.session import Session
from app.view import Frame
from app.views.welcome.download_card import DownloadCard
from app.widgets.label import Label
from sidecar.errors import ServiceUnreachable
from sidecar.types import ModelType, Recommendation

SHOWN = 3
ORDER: tuple[ModelType, ...] = ("text_generation", "embedding", "translation", "classification", "reranking")


class Suggestions(QWidget):
    """Signals:
    shown(): other models are recommended now.
    """

    shown = Signal()

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.cards: list[DownloadCard] = []
        self._frame = frame
        self._session: Session = frame.session
        self._found: list[Recommendation] = []
        self._here: frozenset[str] = frozenset()
        self._requests = DownloadRequests(self._session, self)
        self._grid = QGridLayout()
        self._grid.setSpacing(16)
        self._hint = Label(
            self.tr("They are listed as soon as the service has started."), "muted", "control", wrap=True
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._hint)
        column.addLayout(self._grid)
        self._asking: operations.Operation[list[Recommendation]] | None = None
        self._session.downloads.changed.connect(lambda _info: self._show_downloads())
        self._session.downloads.listed.connect(self._show_downloads)
        self._session.models_changed.connect(self._on_models)

    def hint(self) -> str:
        """Why none are shown; empty when some are."""
        return "" if self._hint.isHidden() else self._hint.text()

    def refresh(self) -> None:
        """Ask what is recommended now; the question before is forgotten."""
        if self._asking is not None:
            self._asking.cancel()
        client = self._session.process.client
        if client is not None:
            self._asking = operations.run(
                self, client.recommended(), on_success=self._take, on_failure=self._on_failure
            )

    def place(self, columns: int) -> None:
        """So many side by side."""
        for column in range(SHOWN):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        for index, card in enumerate(self.cards):
            self._grid.addWidget(card, index // columns, index % columns)

    def _on_failure(self, error: BaseException) -> None:
        if isinstance(error, ServiceUnreachable):
            return  # the window says so; it is asked again once the service is back
        self._hint.setText(self.tr("What is recommended could not be found out: {0}").format(error))
        self._hint.show()

    def _take(self, found: list[Recommendation]) -> None:
        """Tasks that a view works with come first."""
        found = sorted(found, key=lambda one: (not has_view(one.task), ORDER.index(one.task)))[:SHOWN]
        self._hint.setText(
            self.tr("No model of the catalogue fits into the memory that models may use and onto the free disk.")
        )
        self._hint.setVisible(not found)
        if found == self._found:
            return
        self._found = found
        for card in self.cards:
            self._grid.removeWidget(card)
            card.deleteLater()
        self.cards = [DownloadCard(one) for one in found]
        for card, one in zip(self.cards, found, strict=True):
            card.acted.connect(lambda one=one: self._act(one))
        self._show_downloads()
        self.shown.emit()

    def _show_downloads(self) -> None:
        for card, one in zip(self.cards, self._found, strict=True):
            card.show_download(self._session.downloads.of(one.entry.id), installed=self._model_of(one) is not None)

    def _model_of(self, one: Recommendation) -> str | None:
        """Its name here, if it can be used."""
        info = self._session.downloads.of(one.entry.id)
        for model_id in (one.entry.model_id, info.model_id if info else None):
            if model_id is not None and self._session.model(model_id) is not None:
                return model_id
        return None

    def _on_models(self) -> None:
        here = frozenset(model.id for model in self._session.models)
        if here != self._here:
            self._here = here
            self._show_downloads()
            self.refresh()

    def _act(self, one: Recommendation) -> None:
        """Fetch it, look how it fares, or use it."""
        model_id, info = self._model_of(one), self._session.downloads.of(one.entry.id)
        if model_id is not None:
            self._frame.show_view(use_of(one.task).view).use_model(model_id)
        elif info is not None and info.state in (*UNFINISHED, "failed"):
            self._frame.show_view("downloads").use_model(one.entry.id)
        elif one.entry.gated or one.entry.formats == ["pickle"]:
            self._frame.show_view("catalogue").use_model(one.entry.id)  # it asks for something first
        else:
            self._requests.start(request(one.entry))
