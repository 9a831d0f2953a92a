"""The window's command line."""

import subprocess
import sys

import pytest

from app.__main__ import has_display, main


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_any_of_three_variables_promises_a_display(variable):
    assert has_display("linux", {variable: "x"})


def test_linux_without_them_has_no_display_and_other_platforms_always_have_one():
    assert not has_display("linux", {"DISPLAY": ""})
    assert has_display("darwin", {})
    assert has_display("win32", {})


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("Inglenook 0.")


def test_the_http_library_is_not_loaded_before_the_window_shows():
    """It costs more than half of the second that showing the window may take."""
    views = "app.views.welcome, app.views.chat, app.views.classify, app.views.settings"
    code = f"import sys, app.application, {views}; print('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
