"""Everything in a view is reached by Tab, and one sees where the focus is."""

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.widgets.focus_ring import FocusRing
from sidecar.types import DownloadRequest
from tests.helpers.hub import hub_server, model_files
from tests.helpers.service import running_service
from tests.helpers.stock import stock
from tests.helpers.window_bench import WindowBench

MOST_STOPS = 60
READS = {"pipeline_tag": "text-classification"}


@pytest.fixture(scope="module")
def hub():
    with hub_server() as server:
        stock(server)
        server.add("org/owl", model_files(seed=5), info=READS)
        yield server


@pytest.fixture(scope="module")
def served(hub, tmp_path_factory):
    with running_service(tmp_path_factory.mktemp("served"), hub_endpoint=hub.url, network_timeout_s=1) as service:
        yield service.paths


@pytest.fixture
async def bench(served, until, qapp):
    ring = FocusRing(qapp)
    made = WindowBench(served, until, "welcome")
    await made.start()
    made.window.activateWindow()
    await until(made.window.isActiveWindow)
    yield made
    qapp.focusChanged.disconnect(ring._follow)
    ring.deleteLater()
    await made.close()


async def full(bench, name):
    """The view with all that it can show."""
    view = bench.window.show_view(name)
    if name == "welcome":
        await bench.until(lambda: len(view.suggestions.cards) == 3 and len(view.cards) == 2)
    elif name == "catalogue":
        await bench.until(lambda: view.detail is not None)
    else:
        await bench.session.client.download(DownloadRequest("org/owl"))
        await bench.until(lambda: view.info is not None and view.info.state == "done")
        await bench.until(lambda: view.page.verify_button.isVisible())
        bench.window.toast_overlay.hide()
    return view


def stops(window, view):
    """The widgets of the view that Tab leads to, in order."""
    window.rail.product.setFocus()
    found = []
    for _ in range(MOST_STOPS):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        widget = QApplication.focusWidget()
        if widget in found:
            break
        found.append(widget)
    return [widget for widget in found if view.isAncestorOf(widget) or widget is view]


async def looks_otherwise_with_focus(window, widget):
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    await asyncio.sleep(0)
    focused = window.grab().toImage()
    window.rail.product.setFocus(Qt.FocusReason.TabFocusReason)
    await asyncio.sleep(0)
    area = widget.rect().adjusted(-4, -4, 4, 4)
    area.moveTopLeft(widget.mapTo(window, area.topLeft()))
    return focused.copy(area) != window.grab().toImage().copy(area)


@pytest.mark.parametrize(("name", "least"), [("welcome", 6), ("catalogue", 9), ("downloads", 6)])
async def test_every_stop_of_tab_shows_that_it_has_the_focus_and_has_a_name(bench, name, least):
    view = await full(bench, name)
    assert bench.window.isActiveWindow()  # nothing of the view became a window of its own
    found = stops(bench.window, view)
    assert len(found) >= least
    assert not [widget for widget in found if not (widget.accessibleName() or getattr(widget, "text", str)())]
    assert not [widget for widget in found if not await looks_otherwise_with_focus(bench.window, widget)]
