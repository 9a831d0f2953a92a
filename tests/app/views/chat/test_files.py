"""Files in and out of a chat, by the dialogs and by dragging."""

import json

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.helpers.dialogs import choose, drop, open_dialog


def attached(bench):
    return [attachment.name for attachment in bench.page.composer.attachments()]


async def test_files_chosen_in_the_dialog_are_attached(echo, tmp_path):
    paths = [tmp_path / "one.txt", tmp_path / "two.py"]
    for path in paths:
        path.write_text("text")
    QTest.mouseClick(echo.page.composer.attach_button, Qt.MouseButton.LeftButton)
    choose(open_dialog(echo.page.composer), *paths)
    assert attached(echo) == ["one.txt", "two.py"]


async def test_a_dialog_that_is_left_attaches_nothing(echo):
    QTest.mouseClick(echo.page.composer.attach_button, Qt.MouseButton.LeftButton)
    QTest.keyClick(open_dialog(echo.page.composer), Qt.Key.Key_Escape)
    assert attached(echo) == []
    assert open_dialog(echo.page.composer) is None


async def test_files_dropped_on_the_card_are_attached(echo, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("text")
    assert drop(echo.page.composer, [path])
    assert attached(echo) == ["notes.txt"]


async def test_files_dropped_on_the_field_are_attached_and_not_typed(echo, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("text")
    assert drop(echo.page.composer.field.viewport(), [path])
    assert attached(echo) == ["notes.txt"]
    assert echo.page.composer.text() == ""


async def test_a_dropped_file_that_is_not_text_is_refused_aloud(echo, tmp_path):
    path = tmp_path / "archive.zip"
    path.write_bytes(b"PK\x00")
    drop(echo.page.composer, [path])
    assert attached(echo) == []
    assert "not a text file" in echo.window.toast_overlay.text()


async def test_a_chat_is_exported_through_the_dialog(echo, tmp_path):
    await echo.ask("hello")
    path = tmp_path / "chat.json"
    menu = echo.page.sidebar.menu(echo.page.sidebar.model.chats()[0])
    next(action for action in menu.actions() if "JSON" in action.text()).trigger()
    choose(open_dialog(echo.view), path)
    assert json.loads(path.read_text("utf-8"))["conversation"]["title"] == "hello"


async def test_the_dialog_offers_the_chats_title_as_file_name(echo):
    await echo.ask("hello there")
    echo.view._export("markdown")
    dialog = open_dialog(echo.view)
    assert dialog.selectedFiles()[0].endswith("hello there.md")
    dialog.reject()
