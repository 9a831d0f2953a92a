"""Filtering and sorting in short turns."""

import asyncio
from time import thread_time

import pytest

from app.models.arrangement import Arrangement, Column, Only, arrange
from app.models.result_list import ResultList, TextList

ROWS = [
    ("banana", {"good": 0.9, "bad": 0.1}),
    ("Apple", {"good": 0.2, "bad": 0.8}),
    ("cherry", {"good": 0.55, "bad": 0.45}),
    ("Damson", None),
]


@pytest.fixture
def results():
    found = ResultList(TextList("fruit", [text for text, _ in ROWS], range(1, 5)))
    for row, (_, chances) in enumerate(ROWS):
        if chances:
            found.set_result(row, chances)
    return found


@pytest.mark.parametrize(
    ("column", "descending", "order"),
    [
        (Column.ROW, False, [0, 1, 2, 3]),
        (Column.ROW, True, [3, 2, 1, 0]),
        (Column.TEXT, False, [1, 0, 2, 3]),
        (Column.PROBABILITY, True, [0, 1, 2, 3]),
        (Column.LABEL, False, [1, 0, 2, 3]),  # bad, good, not sure, waiting
    ],
)
async def test_rows_are_sorted_by_every_column(results, column, descending, order):
    assert list(await arrange(results, Arrangement(column=column, descending=descending), 0.6)) == order


async def test_search_ignores_case(results):
    assert list(await arrange(results, Arrangement(search="AP"), 0.5)) == [1]


@pytest.mark.parametrize(
    ("label", "rows"),
    [("good", [0]), ("bad", [1]), (Only.NOT_SURE, [2]), (Only.WAITING, [3]), (Only.FAILED, []), (None, [0, 1, 2, 3])],
)
async def test_rows_are_filtered_by_what_was_decided(results, label, rows):
    assert list(await arrange(results, Arrangement(label=label), 0.6)) == rows


async def test_a_long_sort_lets_others_work_in_between():
    rows = range(200_000)  # many turns for quick machines too
    many = ResultList(TextList("many", [f"{row * 7919 % len(rows):06}" for row in rows], rows))
    turns: list[float] = []

    async def watch():
        last = thread_time()
        while True:
            await asyncio.sleep(0)
            turns.append(thread_time() - last)
            last = thread_time()

    watching = asyncio.create_task(watch())
    order = await arrange(many, Arrangement(column=Column.TEXT), 0.5)
    watching.cancel()
    assert [many.source.texts[row] for row in order] == sorted(many.source.texts)
    assert len(turns) > 5
    assert sorted(turns)[-2] < 0.05  # of processor time; the very longest may be a collection of garbage
