"""The settings page against the real service."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.theme import theme
from app.views.settings.editors import title_of
from app.views.settings.row import shown
from tests.helpers.window_bench import opened_window


@pytest.fixture
async def window(paths, quick_start):
    async with opened_window(paths) as made:
        made.session.process.start()
        yield made


@pytest.fixture
async def view(window, until):
    shown_view = window.show_view("settings")
    await until(shown_view.is_settled, 120)
    return shown_view


async def test_every_setting_of_the_service_has_a_row_with_an_editor_of_its_type(view):
    table = await view.session.client.settings()
    assert {info.key for info in table} == set(view.rows)
    assert all(view.rows[info.key].editor.value() == info.value for info in table)


async def test_a_changed_number_is_written_to_the_service(view, until):
    editor = view.rows["max_loaded_models"].editor
    editor.control.setFocus()
    editor.control.selectAll()
    QTest.keyClicks(editor.control, "7")
    QTest.keyClick(editor.control, Qt.Key.Key_Return)
    await until(lambda: view.rows["max_loaded_models"].info.source == "file")
    found = {info.key: info.value for info in await view.session.client.settings()}
    assert found["max_loaded_models"] == 7


async def test_a_number_cannot_leave_its_bounds(view):
    assert view.rows["max_loaded_models"].editor.control.minimum() == 1


async def test_a_list_is_written_as_the_words_between_the_commas(view, until):
    line = view.rows["allowed_hosts"].editor.control
    QTest.keyClicks(line, "one.example, two.example")
    QTest.keyClick(line, Qt.Key.Key_Return)
    await until(lambda: view.rows["allowed_hosts"].info.value == ["one.example", "two.example"])


async def test_a_value_that_the_service_refuses_is_said_at_its_field(view, until):
    row = view.rows["log_level"]
    row.changed.emit("log_level", "loud")
    await until(row.error)
    assert "loud" in row.error()
    assert view.frame.banners.shown() == []


async def test_reset_returns_to_the_default(view, until):
    row = view.rows["history_texts"]
    row.editor.control.click()
    await until(lambda: row.info.source == "file")
    row.reset.click()
    await until(lambda: row.info.source == "default")
    assert row.editor.value() is False
    assert not row.reset.isVisible()


async def test_a_setting_from_the_environment_says_so_and_cannot_be_changed_here(view):
    row = view.rows["port"]
    assert not row.editor.isEnabled()
    assert "INGLENOOK_PORT" in row.note()


async def test_what_needs_a_restart_asks_for_one_and_is_in_force_after_it(view, until):
    view.rows["log_level"].editor.control.setCurrentText("debug")
    await until(view.restart_banner.isVisible)
    before = view.session.client.url
    view.restart_button.click()
    await until(lambda: not view.restart_banner.isVisible(), 120)
    await until(lambda: view.session.state.usable and view.session.client.url != before, 120)
    assert view.rows["log_level"].info.value == "debug"


async def test_search_leaves_what_matches(view):
    view.search.setText("keep alive")
    assert [key for key, row in view.rows.items() if row.isVisibleTo(view)] == ["keep_alive_s"]
    view.search.setText("no such setting")
    assert [key for key, row in view.rows.items() if row.isVisibleTo(view)] == []


async def test_the_theme_is_chosen_here(view):
    view.preferences.set("theme", "dark")
    view.preferences.set("theme", "light")
    assert theme.tokens.name == "light"


@pytest.mark.parametrize(
    ("key", "title"),
    [("memory_limit_mb", "Memory limit, MB"), ("keep_alive_s", "Keep alive, seconds"), ("host", "Host")],
)
def test_a_key_reads_as_words(key, title):
    assert title_of(key) == title


@pytest.mark.parametrize(("value", "words"), [(True, "on"), ([], "none"), (600.0, "600"), ("", "empty"), (0.5, "0.5")])
def test_a_default_reads_as_words(value, words):
    assert shown(value) == words
