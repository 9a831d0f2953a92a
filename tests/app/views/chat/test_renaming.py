"""A chat gets another title in its place in the list."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit


async def begin(bench, question):
    """Ask, open the menu of the chat in the list, and choose to rename."""
    await bench.ask(question)
    await bench.until(lambda: bench.page.sidebar.model.chats())
    menu = bench.page.sidebar.menu(bench.page.sidebar.model.chats()[0])
    next(action for action in menu.actions() if action.text() == "Rename").trigger()
    return bench.page.sidebar.list.viewport().findChild(QLineEdit)


def stored_title(bench):
    return bench.view.dialogue.store.get(bench.view.chat.id).title


async def test_enter_gives_the_chat_the_title_typed(echo):
    field = await begin(echo, "hello")
    assert field.text() == "hello"
    field.selectAll()
    QTest.keyClicks(field, "A better title")
    QTest.keyClick(field, Qt.Key.Key_Return)
    await echo.until(lambda: stored_title(echo) == "A better title")
    assert echo.page.sidebar.model.chats()[0].title == "A better title"


async def test_news_of_the_chats_leave_alone_what_is_being_typed(echo):
    field = await begin(echo, "hello")
    field.selectAll()
    QTest.keyClicks(field, "A better")
    echo.page.sidebar.model.refresh_times()
    assert field.text() == "A better"
    QTest.keyClicks(field, " title")
    QTest.keyClick(field, Qt.Key.Key_Return)
    echo.page.sidebar.model.refresh_times()
    await echo.until(lambda: stored_title(echo) == "A better title")


async def test_escape_leaves_the_title_as_it_was(echo):
    field = await begin(echo, "hello")
    QTest.keyClicks(field, "something else")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert stored_title(echo) == "hello"


async def test_an_empty_title_is_not_taken(echo):
    field = await begin(echo, "hello")
    field.clear()
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert stored_title(echo) == "hello"


async def test_a_double_click_edits_the_title(echo):
    await echo.ask("hello")
    view = echo.page.sidebar.list
    await echo.until(lambda: echo.page.sidebar.model.chats())
    spot = view.visualRect(echo.page.sidebar.model.index_of(echo.view.chat.id)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert view.viewport().findChild(QLineEdit) is not None
