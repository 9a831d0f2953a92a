"""The page of one model: its cards, one below the other, scrolled. Holds no logic: view.py connects them."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.views.models.details_card import DetailsCard
from app.views.models.files_card import FilesCard
from app.views.models.forecast_card import ForecastCard
from app.views.models.options_card import OptionsCard
from app.views.models.preparation_card import PreparationCard
from app.views.models.verification import Verdict
from app.widgets.card_column import CardColumn
from sidecar.types import JobInfo, ModelInfo


class ModelPage(CardColumn):
    """What it is, what it takes, how it is made quicker, what can be chosen for it, and its files."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.details = DetailsCard(self.inside)
        self.forecast = ForecastCard(self.inside)
        self.preparation = PreparationCard(self.inside)
        self.options = OptionsCard(self.inside)
        self.files = FilesCard(self.inside)
        self.show_cards(self.details, self.forecast, self.preparation, self.options, self.files)

    def begin(self) -> None:
        """Another model is to be shown: nothing of the one before may stay."""
        self.forecast.clear()
        self.verticalScrollBar().setValue(0)

    def show_model(self, model: ModelInfo, running: JobInfo | None, latest: JobInfo | None) -> None:
        """Show what is known now; `running` and `latest` are the model's jobs."""
        self.details.show_model(model, running)
        self.preparation.show_model(model, latest)
        self.options.show_model(model)

    def show_files(self, model: ModelInfo, verdict: Verdict | None, *, exporting: bool) -> None:
        """Show where the files are, and whether they are whole."""
        self.files.show_model(model, verdict, exporting=exporting)
