"""The frame around the views, without a service: what is shown then is what matters most."""

import sys

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.main_window import MainWindow
from app.running_service import OwnedService
from app.settings import Preferences
from sidecar.errors import ModelNotFound
from tests.helpers.window_bench import opened_window


@pytest.fixture
async def window(paths, request):
    program = getattr(request, "param", "import sys; sys.stdin.read()")
    async with opened_window(paths, launch=lambda paths: OwnedService(paths, [sys.executable, "-c", program])) as made:
        yield made


def shown_banner(window):
    return next((banner for banner in window.banners.shown()), None)


async def test_the_status_bar_says_that_the_service_starts(window):
    window.session.process.start()
    assert window.status.state.text() == "Starting the service"


@pytest.mark.parametrize("window", ["import sys; sys.exit(4)"], indirect=True)
async def test_a_failing_service_is_said_with_its_reason_in_status_bar_and_banner(window, until):
    window.session.process.start()
    await until(lambda: "code 4" in window.status.state.text())
    assert window.status.state.text().startswith("Restarting the service in 0.")
    assert "code 4" in shown_banner(window).accessibleDescription()


@pytest.mark.parametrize("window", ["import sys; sys.exit(0)"], indirect=True)
async def test_a_stopped_service_stays_stopped_and_can_be_started_from_the_banner(window, until):
    window.session.process.start()
    await until(lambda: window.status.state.text().startswith("Stopped"))
    assert shown_banner(window).accessibleName() == "The service is stopped"


async def test_an_error_shows_as_a_banner_once_however_often_it_happens(window):
    window.error(ModelNotFound(model="nobody"))
    window.error(ModelNotFound(model="nobody"))
    assert [banner.accessibleName() for banner in window.banners.shown()] == [ModelNotFound(model="nobody").message]


async def test_a_fault_of_ours_is_shown_with_its_trace(window):
    window.error(ZeroDivisionError("division by zero"))
    assert shown_banner(window).accessibleName() == "Something unexpected went wrong in the window"


async def test_views_are_marked_in_the_rail(window):
    window.show_view("settings")
    assert window.rail.buttons["settings"].isChecked()
    window.show_view("welcome")
    assert not window.rail.buttons["settings"].isChecked()


async def test_every_place_of_the_rail_can_be_reached_and_opened_by_keyboard(window, until):
    window.activateWindow()
    await until(window.isActiveWindow)
    window.show_view("welcome")
    window.rail.product.setFocus()
    reached = []
    for _ in window.rail.buttons:
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
    assert reached == list(window.rail.buttons.values())
    QTest.keyClick(window.rail.buttons["settings"], Qt.Key.Key_Return)
    assert window.rail.buttons["settings"].isChecked()


async def test_an_unknown_view_is_an_error(window):
    with pytest.raises(KeyError):
        window.show_view("nowhere")


async def test_the_palette_opens_by_key_and_runs_what_was_typed(window, until):
    window.show_view("welcome")
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    await until(window.palette_overlay.isVisible)
    field = window.focusWidget()
    QTest.keyClicks(field, "go to settings")
    QTest.keyClick(field, Qt.Key.Key_Return)
    await until(lambda: not window.palette_overlay.isVisible())
    assert window.pages.currentWidget() is window.view("settings")


@pytest.mark.parametrize("name", ["chat", "classify", "models", "catalogue", "downloads", "settings", "storage"])
async def test_the_name_of_a_view_is_enough_for_the_palette(window, until, name):
    window.show_view("welcome")
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    await until(window.palette_overlay.isVisible)
    field = window.focusWidget()
    QTest.keyClicks(field, name)
    QTest.keyClick(field, Qt.Key.Key_Return)
    await until(lambda: window.pages.currentWidget() is window.view(name))


async def test_a_key_leads_to_each_view(window, until):
    window.show_view("welcome")
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: window.pages.currentWidget() is window.view("settings"))
    QTest.keyClick(window, Qt.Key.Key_F1)
    await until(lambda: window.pages.currentWidget() is window.view("welcome"))


async def test_the_size_is_the_same_after_the_next_start(window):
    window.resize(900, 640)
    window.remember()
    again = MainWindow(window.session, Preferences(window.preferences.file))
    assert (again.width(), again.height()) == (900, 640)
    again.deleteLater()


async def test_the_window_does_not_shrink_below_its_smallest_layout(window):
    window.resize(100, 100)
    assert (window.width(), window.height()) == (900, 600)


async def test_closing_is_decided_outside(window, qtbot):
    with qtbot.waitSignal(window.close_wanted):
        window.close()
    assert window.isVisible()


async def test_every_view_fits_into_the_smallest_window(window):
    window.resize(900, 600)
    for name in ("welcome", "classify", "settings"):
        assert window.view(name).minimumSizeHint().width() <= 900 - window.rail.width() - 1, name
