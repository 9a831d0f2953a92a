"""A list of texts and what a classifier said about each: 10,000 to 1,000,000 rows in compact arrays. No Qt here.

Nothing that depends on the threshold is stored: decisions are made when they are shown, and counts come from
histograms with one bin per step of the threshold, so that moving it costs the same for ten rows and for a million.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.models.verdict import STEPS, Verdict, step_of

WAITING = -1
FAILED = -2


@dataclass(frozen=True)
class TextList:
    """Texts with the row number each had in its source. `column` is empty unless they came from a table."""

    name: str
    texts: list[str]
    numbers: Sequence[int]
    column: str = ""
    notes: tuple[str, ...] = ()


@dataclass
class Counts:
    """How many rows are where, at one threshold."""

    labels: dict[str, int] = field(default_factory=dict)
    not_sure: int = 0
    failed: int = 0
    waiting: int = 0
    cut: int = 0


class ResultList:
    """Results of `source.texts`, row by row. A row is waiting, failed (with the reason) or has its probabilities."""

    def __init__(self, source: TextList, *, multi_label: bool = False) -> None:
        self.source = source
        self.clear(multi_label=multi_label)

    def __len__(self) -> int:
        return len(self.source.texts)

    def clear(self, *, multi_label: bool = False) -> None:
        """Forget every result; the texts stay."""
        rows = len(self.source.texts)
        self.multi_label = multi_label
        self.labels: list[str] = []
        self.failures: dict[int, str] = {}
        self.cut: set[int] = set()  # rows of which the model read the beginning only
        self.classified = 0
        self._best = array("h", [WAITING]) * rows
        self._values = array("f")
        self._bins: list[array[int]] = []
        self._best_bins = array("l", [0]) * (STEPS + 1)

    # ---- writing ----------------------------------------------------------------------------------------------------

    def set_result(self, row: int, probabilities: Mapping[str, float]) -> None:
        """Keep one row's answer. Raises ValueError for an answer without labels."""
        if not probabilities:
            raise ValueError("an answer without labels")
        if not self.labels:
            self._set_labels(list(probabilities))
        self._forget(row)
        width = len(self.labels)
        values = [probabilities.get(label, 0.0) for label in self.labels]
        self._values[row * width : (row + 1) * width] = array("f", values)
        self._best[row] = max(range(width), key=values.__getitem__)
        self.classified += 1
        self._tally(row, 1)

    def mark_cut(self, row: int) -> None:
        """Note that a row's text was longer than the model reads. Its answer is for the beginning."""
        self.cut.add(row)

    def set_failure(self, row: int, reason: str) -> None:
        """Keep why a row has no answer."""
        self._forget(row)
        self._best[row] = FAILED
        self.failures[row] = reason

    def retry_failures(self) -> None:
        """Make the failed rows wait again."""
        for row in self.failures:
            self._best[row] = WAITING
        self.failures.clear()

    # ---- reading ----------------------------------------------------------------------------------------------------

    def state(self, row: int) -> int:
        """WAITING, FAILED, or the index of the most probable label."""
        return self._best[row]

    def next_waiting(self, start: int) -> int | None:
        """The first waiting row from `start` on."""
        try:
            return self._best.index(WAITING, start)
        except ValueError:
            return None

    def probabilities(self, row: int) -> dict[str, float]:
        """The row's label to probability, in the order of `labels`; empty while it has no answer."""
        if self._best[row] < 0:
            return {}
        width = len(self.labels)
        return dict(zip(self.labels, self._values[row * width : (row + 1) * width], strict=True))

    def top(self, row: int) -> float:
        """The highest probability, or -1 while the row has no answer, so that such rows sort together."""
        best = self._best[row]
        return self._values[row * len(self.labels) + best] if best >= 0 else -1.0

    def verdict(self, row: int, threshold: float) -> Verdict | None:
        """What is decided about a row, or None while it has no answer."""
        best = self._best[row]
        if best < 0:
            return None
        least = step_of(threshold)
        if not self.multi_label:
            top = self._values[row * len(self.labels) + best]
            return Verdict((self.labels[best],) if step_of(top) >= least else (), top)
        ranked = sorted(self.probabilities(row).items(), key=lambda item: item[1], reverse=True)
        return Verdict(tuple(label for label, value in ranked if step_of(value) >= least), ranked[0][1])

    def counts(self, threshold: float) -> Counts:
        """Rows per label (for multi-label models a row counts for each of its labels), unsure, failed and waiting."""
        least = step_of(threshold)
        per_label = {label: sum(bins[least:]) for label, bins in zip(self.labels, self._bins, strict=True)}
        failed = len(self.failures)
        waiting = len(self) - self.classified - failed
        return Counts(per_label, sum(self._best_bins[:least]), failed, waiting, len(self.cut))

    # ---- bookkeeping ------------------------------------------------------------------------------------------------

    def _set_labels(self, labels: list[str]) -> None:
        self.labels = labels
        self._values = array("f", [0.0]) * (len(labels) * len(self))
        self._bins = [array("l", [0]) * (STEPS + 1) for _ in labels]

    def _forget(self, row: int) -> None:
        if self._best[row] >= 0:
            self._tally(row, -1)
            self.classified -= 1
        self.failures.pop(row, None)
        self.cut.discard(row)

    def _tally(self, row: int, change: int) -> None:
        start, best = row * len(self.labels), self._best[row]
        self._best_bins[step_of(self._values[start + best])] += change
        for index in range(len(self.labels)) if self.multi_label else (best,):
            self._bins[index][step_of(self._values[start + index])] += change
