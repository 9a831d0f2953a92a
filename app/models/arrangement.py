"""Which rows of a result list are shown, and in which order: filtering and sorting in short turns.

Qt's own proxy model would filter and sort a million rows in one blocking call.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

from app.models.pacing import Pacer
from app.models.result_list import FAILED, WAITING, ResultList

RUN = 1024  # rows sorted in one go: a few milliseconds
CHUNK = 128


class Column(IntEnum):
    """The columns of the table, from left to right."""

    TEXT = 0
    LABEL = 1
    PROBABILITY = 2
    ROW = 3


class Only(Enum):
    """Rows that have no label of their own to filter by."""

    NOT_SURE = "not sure"
    FAILED = "failed"
    WAITING = "waiting"
    CUT = "cut"


@dataclass(frozen=True)
class Arrangement:
    """What to show. `label` is a model's label or an `Only`; None shows all. Search ignores case."""

    search: str = ""
    label: str | Only | None = None
    column: Column = Column.ROW
    descending: bool = False

    @property
    def filters(self) -> bool:
        """Whether any row may be left out."""
        return bool(self.search) or self.label is not None

    @property
    def follows_results(self) -> bool:
        """Whether new results can change which rows are shown or where."""
        return self.label is not None or self.column in (Column.LABEL, Column.PROBABILITY)


async def arrange(results: ResultList, wanted: Arrangement, threshold: float) -> Sequence[int]:
    """The rows to show, in order; in short turns, so that it may run on the window's own loop."""
    rows: Sequence[int] = range(len(results))
    if wanted.filters:
        rows = await _filtered(results, wanted, threshold)
    if wanted.column == Column.ROW:
        return rows[::-1] if wanted.descending else rows
    return await _sorted(rows, _sort_key(results, wanted.column, threshold), wanted.descending)


async def _filtered(results: ResultList, wanted: Arrangement, threshold: float) -> list[int]:
    needle, texts = wanted.search.casefold(), results.source.texts
    has_label = _label_test(results, wanted.label, threshold)
    kept: list[int] = []
    pacer = Pacer()
    for row in range(len(results)):
        if (not needle or needle in texts[row].casefold()) and has_label(row):
            kept.append(row)
        if row % CHUNK == 0:
            await pacer.breathe()
    return kept


def _label_test(results: ResultList, label: str | Only | None, threshold: float) -> Callable[[int], bool]:
    def holds(row: int) -> bool:
        verdict = results.verdict(row, threshold)
        return verdict is not None and (label in verdict.labels if label != Only.NOT_SURE else not verdict.sure)

    if label is None:
        return lambda row: True
    if label == Only.FAILED:
        return lambda row: results.state(row) == FAILED
    if label == Only.WAITING:
        return lambda row: results.state(row) == WAITING
    if label == Only.CUT:
        return lambda row: row in results.cut
    return holds


def _sort_key(results: ResultList, column: Column, threshold: float) -> Callable[[int], Any]:
    def label_first(row: int) -> tuple[str, float]:
        verdict = results.verdict(row, threshold)
        if verdict is None:
            return "\uffff", 0.0
        return (verdict.labels[0] if verdict.sure else "\ufffe"), -verdict.probability

    if column == Column.TEXT:
        return lambda row: results.source.texts[row].casefold()
    return label_first if column == Column.LABEL else results.top


async def _sorted(rows: Sequence[int], key: Callable[[int], Any], descending: bool) -> list[int]:
    """A merge sort whose every step is short: sorted runs first, then one lazy merge of all of them."""
    pacer = Pacer()
    runs: list[list[int]] = []
    for start in range(0, len(rows), RUN):
        runs.append(sorted(rows[start : start + RUN], key=key, reverse=descending))
        await pacer.breathe()
    merged: list[int] = []
    for count, row in enumerate(heapq.merge(*runs, key=key, reverse=descending)):
        merged.append(row)
        if count % CHUNK == 0:
            await pacer.breathe()
    return merged
