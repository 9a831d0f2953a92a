"""The window's own preferences."""

import pytest

from app.settings import Preferences


@pytest.fixture
def file(tmp_path, qapp):
    return tmp_path / "config" / "window.toml"


def test_a_first_start_has_the_defaults(file):
    assert Preferences(file).table.theme == "system"


def test_what_was_set_is_there_after_the_next_start(file):
    preferences = Preferences(file)
    preferences.set("theme", "dark")
    preferences.put("drafts", "chat", "Half a thought\nin two lines")
    preferences.flush()
    again = Preferences(file).table
    assert (again.theme, again.drafts) == ("dark", {"chat": "Half a thought\nin two lines"})


def test_many_changes_are_written_once_a_moment_later(file, qtbot):
    preferences = Preferences(file)
    for length in range(1, 50):
        preferences.put("drafts", "chat", "x" * length)
    assert not file.exists()
    qtbot.waitUntil(file.exists, timeout=60_000)
    assert Preferences(file).table.drafts == {"chat": "x" * 49}


def test_an_emptied_entry_is_forgotten(file):
    preferences = Preferences(file)
    preferences.put("drafts", "chat", "words")
    preferences.put("drafts", "chat", "")
    assert preferences.table.drafts == {}


def test_a_change_is_announced_by_name_and_no_change_is_not(file, qtbot):
    preferences = Preferences(file)
    with qtbot.waitSignal(preferences.changed) as announced:
        preferences.set("theme", "light")
    assert announced.args == ["theme"]
    with qtbot.assertNotEmitted(preferences.changed):
        preferences.set("theme", "light")


def test_a_value_of_the_wrong_type_is_refused(file):
    with pytest.raises(TypeError, match="theme is a str"):
        Preferences(file).set("theme", 3)


def test_a_damaged_file_is_put_aside_and_said(file):
    file.parent.mkdir()
    file.write_text("theme = [unclosed")
    preferences = Preferences(file)
    assert preferences.table.theme == "system"
    assert "window.toml.damaged" in preferences.problem
    assert file.with_suffix(".toml.damaged").read_text() == "theme = [unclosed"


def test_an_entry_of_another_version_is_passed_over(file):
    file.parent.mkdir()
    file.write_text('theme = "dark"\nfrom_the_future = 1\nclose_to_tray = "yes"\n')
    table = Preferences(file).table
    assert (table.theme, table.close_to_tray) == ("dark", False)
