"""Results as CSV."""

import csv

import pytest

from app.models.result_list import ResultList, TextList
from app.models.results_export import export_csv
from app.models.results_table import ResultsTable


@pytest.fixture
def table():
    found = ResultsTable()
    results = ResultList(TextList("list", ["schön, „gut“", "two\nlines", "third"], [1, 2, 3]))
    results.set_result(0, {"positive": 0.94, "negative": 0.06})
    results.set_failure(1, "too long")
    results.set_result(2, {"positive": 0.45, "negative": 0.55})
    found.set_results(results)
    found.set_threshold(0.6)
    return found


async def test_every_row_is_written_with_every_probability(table, tmp_path):
    path = tmp_path / "out.csv"
    assert await export_csv(path, table, range(3), lambda done, total: None) == 3
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["row", "text", "label", "probability", "positive", "negative"],
            ["1", "schön, „gut“", "positive", "0.9400", "0.9400", "0.0600"],
            ["2", "two\nlines", "failed: too long", "", "", ""],
            ["3", "third", "not sure", "0.5500", "0.4500", "0.5500"],
        ]


async def test_an_export_that_fails_leaves_the_old_file_alone(table, tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(IndexError):
        await export_csv(path, table, [99], lambda done, total: None)
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_text() == "old"


async def test_a_folder_that_does_not_exist_is_an_os_error(table, tmp_path):
    with pytest.raises(FileNotFoundError):
        await export_csv(tmp_path / "gone" / "out.csv", table, range(3), lambda done, total: None)


async def test_where_a_text_was_cut_the_file_says_so(table, tmp_path):
    table.results.mark_cut(0)
    path = tmp_path / "out.csv"
    await export_csv(path, table, range(3), lambda done, total: None)
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [row[-1] for row in csv.reader(file)] == ["cut", "yes", "", ""]
