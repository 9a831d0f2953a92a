"""The filtered list inside palette and picker."""

import pytest
from PySide6.QtCore import Qt

from app.widgets.search_list import Row, SearchList, ranked

ROWS = [Row("a", "Apple", "red fruit"), Row("b", "Banana", "yellow fruit"), Row("c", "Carrot", "orange root")]


@pytest.fixture
def found(qtbot):
    made = SearchList("Search", "Nothing here")
    made.set_rows(ROWS)
    qtbot.addWidget(made)
    made.show()
    return made


def titles(found) -> list[str]:
    return [found.model.row_at(number).title for number in range(found.model.rowCount())]


def test_typing_filters_by_title_and_detail(qtbot, found):
    qtbot.keyClicks(found.field, "fruit")
    assert titles(found) == ["Apple", "Banana"]


def test_a_match_in_the_title_comes_first():
    rows = [Row("1", "Other", "has root"), Row("2", "Root")]
    assert [row.id for row in ranked(rows, "root")] == ["2", "1"]


def test_enter_takes_the_marked_row(qtbot, found):
    qtbot.keyClick(found.field, Qt.Key.Key_Down)
    with qtbot.waitSignal(found.chosen) as chosen:
        qtbot.keyClick(found.field, Qt.Key.Key_Return)
    assert chosen.args == ["b"]


def test_up_from_the_first_row_goes_to_the_last(qtbot, found):
    qtbot.keyClick(found.field, Qt.Key.Key_Up)
    assert found.view.currentIndex().row() == 2


def test_nothing_found_is_said_and_enter_does_nothing(qtbot, found):
    qtbot.keyClicks(found.field, "zzz")
    assert titles(found) == []
    with qtbot.assertNotEmitted(found.chosen):
        qtbot.keyClick(found.field, Qt.Key.Key_Return)


def test_the_current_row_is_marked_when_the_list_opens(found):
    found.set_rows(ROWS, "c")
    assert found.view.currentIndex().row() == 2


def test_screen_readers_hear_title_and_detail(found):
    assert found.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole) == "Apple, red fruit"
