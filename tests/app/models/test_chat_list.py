import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.models.chat_list import ROW_ROLE, ChatListModel, ChatRow, Heading

DAY = 86_400


@pytest.fixture
def model(qapp):
    model = ChatListModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    return model


def row(name, age=0.0, **fields):
    return ChatRow(name, name.title(), "Starter chat", time.time() - age, **fields)


def titles(model):
    return [model.index(place).data() for place in range(model.rowCount())]


def test_chats_are_grouped_with_the_pinned_first(model):
    model.set_rows([row("new"), row("old", 9 * DAY), row("kept", 9 * DAY, pinned=True)])
    assert titles(model) == ["Pinned", "Kept", "Today", "New", "Earlier", "Old"]


def test_headings_cannot_be_chosen(model):
    model.set_rows([row("new")])
    assert isinstance(model.index(0).data(ROW_ROLE), Heading)
    assert model.flags(model.index(0)) == Qt.ItemFlag.NoItemFlags


def test_a_new_title_is_announced_without_its_spare_spaces(model, qtbot):
    model.set_rows([row("new")])
    with qtbot.waitSignal(model.renamed) as renamed:
        assert model.setData(model.index_of("new"), "  A   better title ")
    assert renamed.args == ["new", "A better title"]


def test_an_empty_title_is_not_taken(model):
    model.set_rows([row("new")])
    assert not model.setData(model.index_of("new"), "   ")
    assert model.index_of("new").data() == "New"


def test_the_busy_mark_comes_and_goes(model):
    model.set_rows([row("a"), row("b")])
    model.set_busy({"b"})
    assert [chat.busy for chat in model.chats()] == [False, True]
    model.set_busy(set())
    assert [chat.busy for chat in model.chats()] == [False, False]


def test_screen_readers_hear_model_and_state(model):
    model.set_rows([row("a", busy=True)])
    assert model.index(1).data(Qt.ItemDataRole.AccessibleTextRole) == "A, Starter chat · just now, answering"


def test_an_unchanged_arrangement_is_not_reset(model, qtbot):
    model.set_rows([row("a"), row("b")])
    with qtbot.assertNotEmitted(model.modelReset):
        model.set_rows([row("a"), row("b", busy=True)])
