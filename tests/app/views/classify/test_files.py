"""Lists in and results out of the Classify view, by the dialogs and by dragging."""

import csv

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from tests.helpers.dialogs import choose, drop, open_dialog
from tests.helpers.dragging import Drag


async def test_a_list_chosen_in_the_dialog_is_opened_and_its_results_are_exported_through_another(echo, tmp_path):
    source, target = tmp_path / "texts.txt", tmp_path / "out.csv"
    source.write_text("first\nsecond\n")
    QTest.mouseClick(echo.view.header.open_button, Qt.MouseButton.LeftButton)
    choose(open_dialog(echo.view), source)
    await echo.until(lambda: len(echo.list.results) == 2)
    await echo.run()
    QTest.mouseClick(echo.view.header.export_button, Qt.MouseButton.LeftButton)
    choose(open_dialog(echo.view), target)
    await echo.until(target.exists)
    with target.open(encoding="utf-8-sig", newline="") as file:
        assert [row[1] for row in csv.reader(file)] == ["text", "first", "second"]


async def test_a_file_that_is_no_list_is_left_to_the_window_which_says_what_can_be_dropped(echo, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG")
    Drag(echo.window, [path], echo.view).drop()
    assert echo.window.toast_overlay.text().startswith("picture.png is no model")


async def test_a_list_dropped_on_the_text_field_is_opened(echo, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("text\nfirst\nsecond\n")
    drop(echo.view.input.one.viewport(), [path])
    await echo.until(lambda: echo.list.results.source.name == "texts.csv")
