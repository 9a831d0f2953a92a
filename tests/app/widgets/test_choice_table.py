"""Rows of which one is chosen and stays so, and the buttons in them."""

from enum import IntEnum

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtTest import QTest

from app.models.rows import ICON_ROLE, Rows
from app.widgets.choice_table import ChoiceTable
from app.widgets.row_button import row_button_area
from app.widgets.table_delegate import TwoLineDelegate


class Column(IntEnum):
    WORD = 0
    ACTION = 1


class Words(Rows[str]):
    """The second column is buttons."""

    def __init__(self, *words):
        super().__init__(Column, lambda word: word)
        self.show_words(*words)

    def show_words(self, *words):
        self._show(list(words))

    def data(self, index, role=Qt.ItemDataRole.DisplayRole):
        if role == ICON_ROLE and index.column() == Column.ACTION:
            return "check"
        return self._shown[index.row()] if role == Qt.ItemDataRole.DisplayRole else None


@pytest.fixture
def words():
    return Words("ant", "bee", "cow")


@pytest.fixture
def table(words, qtbot):
    made = ChoiceTable(words, TwoLineDelegate, {Column.ACTION: (0, 120)})
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    return made


def chosen(table):
    return [index.data() for index in table.selectionModel().selectedRows()]


def double_click(table, row, column):
    spot = table.visualRect(table.model().index(row, column)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    QTest.mouseRelease(table.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def test_the_chosen_row_stays_chosen_while_rows_come_and_go(table, words):
    table.choose("bee")
    words.show_words("bee", "dog")
    assert chosen(table) == ["bee"]
    words.show_words("dog")
    words.show_words("cow", "dog", "bee")
    assert chosen(table) == ["bee"]


def test_another_row_is_told_by_its_key_and_only_once(table, qtbot):
    table.choose("bee")
    with qtbot.waitSignal(table.key_chosen) as told:
        table.selectRow(2)
    assert told.args == ["cow"]
    with qtbot.assertNotEmitted(table.key_chosen):
        table.choose("cow")


def test_a_click_on_a_rows_button_acts_and_one_beside_it_only_chooses(table, qtbot):
    cell = table.visualRect(table.model().index(1, Column.ACTION))
    button = row_button_area(QRectF(cell), "bee", has_icon=True).toRect()
    with qtbot.waitSignal(table.acted) as acted:
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=button.center())
    assert acted.args == ["bee"]
    with qtbot.assertNotEmitted(table.acted):
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(cell.left() + 2, cell.center().y()))


def test_enter_and_a_double_click_open_a_row_but_not_one_on_its_button(table, qtbot):
    table.choose("ant")
    with qtbot.waitSignal(table.opened) as opened:
        QTest.keyClick(table, Qt.Key.Key_Return)
    assert opened.args == ["ant"]
    with qtbot.waitSignal(table.opened) as opened:
        double_click(table, 2, Column.WORD)
    assert opened.args == ["cow"]
    with qtbot.assertNotEmitted(table.opened):
        double_click(table, 2, Column.ACTION)
