"""The Qt table over a result list."""

import pytest
from PySide6.QtCore import Qt

from app.models.arrangement import Column
from app.models.result_list import ResultList, TextList
from app.models.results_table import ResultsTable


@pytest.fixture
def table(qtmodeltester):
    found = ResultsTable()
    results = ResultList(TextList("list", ["first\nline", "second", "third"], [1, 2, 4]))
    results.set_result(0, {"positive": 0.94, "negative": 0.06})
    results.set_failure(1, "the engine failed")
    found.set_results(results)
    qtmodeltester.check(found)
    return found


def shown(table, row):
    return [table.index(row, column).data() for column in range(table.columnCount())]


def test_a_row_shows_text_label_probability_and_number(table):
    assert shown(table, 0) == ["first line", "positive", "94 %", "1"]


def test_a_failed_row_says_why(table):
    assert shown(table, 1) == ["second", "failed: the engine failed", "", "2"]


def test_a_waiting_row_shows_no_label(table):
    assert shown(table, 2) == ["third", "", "", "4"]


def test_another_threshold_decides_anew(table, qtbot):
    with qtbot.waitSignal(table.dataChanged):
        table.set_threshold(0.95)
    assert table.index(0, Column.LABEL).data() == "not sure"


def test_another_order_shows_other_rows(table):
    table.set_order([2, 0])
    assert (table.rowCount(), table.index(1, 0).data(), table.source_row(0)) == (2, "first line", 2)


def test_the_surest_come_first_when_probabilities_are_sorted(table):
    role = Qt.ItemDataRole.InitialSortOrderRole
    assert table.headerData(Column.PROBABILITY, Qt.Orientation.Horizontal, role) == Qt.SortOrder.DescendingOrder
