"""Chooses what the result card shows: the chosen row of the list, the list's totals, or the single text's answer."""

from PySide6.QtCore import QObject

from app.views.classify.input_card import LIST
from app.views.classify.list_controller import ListController
from app.views.classify.result_card import ResultCard
from app.views.classify.single_text import SingleText


class Presenter(QObject):
    """Reads the state of both halves of the view and holds none."""

    def __init__(self, card: ResultCard, single: SingleText, texts: ListController, parent: QObject) -> None:
        super().__init__(parent)
        self._card = card
        self._single = single
        self._list = texts

    def show(self, row: int, mode: int, model: str) -> None:
        """`row` of the list, -1 for none; `mode` is ONE or LIST; `model` is the name of the one that would be asked."""
        if row >= 0:
            self._show_row(row)
        elif mode == LIST:
            self._show_totals()
        else:
            self._show_single(model)

    def _show_row(self, row: int) -> None:
        results = self._list.results
        place = self.tr("Row {0}").format(results.source.numbers[row])
        if row in results.failures:
            self._card.show_error(self.tr("{0} failed").format(place), results.failures[row])
        elif probabilities := results.probabilities(row):
            self._card.show_probabilities(probabilities, multi_label=results.multi_label, aside=place)
        else:
            self._card.show_hint(self.tr("{0} has not been classified yet.").format(place))

    def _show_totals(self) -> None:
        classified = self._list.results.classified
        if classified:
            self._card.show_counts(self.tr("All texts"), self._list.counts(), classified)
        else:
            self._card.show_hint(self.tr("Here you will see how many texts got each label."))

    def _show_single(self, model: str) -> None:
        answer, failure = self._single.answer, self._single.failure
        if self._single.busy:
            self._card.show_busy(self._single.busy)
        elif failure is not None:
            self._card.show_error(failure.title, failure.text)
        elif answer is not None:
            took = self.tr("{0} ms").format(f"{answer.execution_time_ms:,.0f}")
            self._card.show_probabilities(
                answer.classifications, multi_label=answer.multi_label, aside=took, warnings=tuple(answer.warnings)
            )
        else:
            text = self.tr("Press Classify to see what {0} says about your text.")
            self._card.show_hint(text.format(model or self.tr("the model")))
