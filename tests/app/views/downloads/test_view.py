"""The Downloads view against a real service and a hub that misbehaves."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.models.download_table import Column
from app.models.rows import STANDING_ROLE
from app.widgets.confirm_dialog import ConfirmDialog
from tests.helpers.hub import Fault

SLOW = 60_000  # bytes a second: slow enough to be watched


def state_of(bench, repository):
    found = bench.session.downloads.of(repository)
    return found.state if found is not None else ""


def file_of(bench, path):
    files = bench.view.page.files.files
    return next(line for line in (files.index(row).data(257) for row in range(files.rowCount())) if line.path == path)


async def test_with_nothing_to_fetch_the_way_to_the_catalogue_is_shown(bench):
    assert bench.view.browse_button.isVisible()
    bench.view.browse_button.click()
    assert bench.window.pages.currentWidget() is bench.window.view("catalogue")


async def test_a_download_shows_how_far_it_and_each_of_its_files_is(bench, hub, fetch):
    hub.rate = SLOW
    await fetch("steady")
    await bench.until(lambda: "left" in bench.view.page.figures.text())
    assert "kB/s" in bench.view.header.summary.text()
    await bench.until(lambda: file_of(bench, "model.safetensors").share is not None)
    assert file_of(bench, "config.json").share is None
    assert bench.window.rail.buttons["downloads"].accessibleDescription() == "1 under way"


async def test_a_paused_download_goes_on_at_the_byte_where_it_was(bench, hub, fetch):
    hub.rate = SLOW
    repository = await fetch("paused")
    await bench.until(lambda: bench.session.downloads.of(repository).bytes_done > 20_000)
    bench.view.page.main_button.click()
    await bench.until(lambda: state_of(bench, repository) == "paused")
    assert bench.view.page.figures.text().startswith("Paused at")
    assert bench.window.rail.buttons["downloads"].accessibleDescription() == ""
    hub.rate = 0
    bench.view.page.main_button.click()
    await bench.until(lambda: state_of(bench, repository) == "done")
    assert hub.requests("paused/model.safetensors")[-1].range is not None


async def test_what_has_arrived_is_not_deleted_without_a_question(bench, hub, fetch):
    hub.rate = SLOW
    repository = await fetch("cancelled")
    await bench.until(lambda: bench.session.downloads.of(repository).bytes_done > 20_000)
    bench.view.page.cancel_button.click()
    dialog = bench.view.findChild(ConfirmDialog)
    assert dialog.isVisible()
    dialog.keep_button.click()
    assert state_of(bench, repository) == "downloading"
    bench.view.page.cancel_button.click()
    bench.view.findChildren(ConfirmDialog)[-1].action_button.click()
    await bench.until(lambda: state_of(bench, repository) == "cancelled")
    await bench.until(bench.window.toast_overlay.undo_button.isVisible)
    hub.rate = 0
    bench.window.toast_overlay.undo_button.click()
    await bench.until(lambda: state_of(bench, repository) == "done")


async def test_a_download_that_failed_says_what_happened_and_is_tried_again(bench, hub, fetch):
    hub.fail("model.safetensors", Fault("wrong_bytes", times=9))
    repository = await fetch("broken")
    await bench.until(lambda: state_of(bench, repository) == "failed")
    bench.view.page.forget_button.click()
    bench.view.findChild(ConfirmDialog).keep_button.click()
    assert "model.safetensors is not what the hub announced" in bench.view.page.figures.text()
    assert "only the files that were damaged" in bench.view.page.remedy.text()
    assert file_of(bench, "model.safetensors").bad
    hub._faults.clear()
    bench.view.page.main_button.click()
    await bench.until(lambda: state_of(bench, repository) == "done")


async def test_a_gated_one_leads_to_how_to_get_access(bench, hub, fetch):
    repository = await fetch("closed", gated="auto")
    await bench.until(lambda: state_of(bench, repository) == "failed")
    assert bench.view.page.main_button.text() == "How to get access"
    bench.view.page.main_button.click()
    catalogue = bench.window.view("catalogue")
    assert bench.window.pages.currentWidget() is catalogue
    await bench.until(lambda: catalogue.detail is not None and catalogue.detail.entry.id == repository)
    assert catalogue.page.access.isVisible()


async def test_when_a_model_has_arrived_one_click_leads_to_its_use(bench, fetch):
    repository = await fetch("arrives")
    await bench.until(bench.window.toast_overlay.offer_button.isVisible)
    assert bench.window.toast_overlay.text() == "arrives is here"
    bench.window.toast_overlay.offer_button.click()
    assert bench.window.pages.currentWidget() is bench.window.view("classify")
    assert bench.window.view("classify").model.id == repository


async def test_its_files_are_verified_when_asked(bench, fetch):
    repository = await fetch("verified")
    await bench.until(lambda: bench.session.model(repository) is not None and state_of(bench, repository) == "done")
    bench.view.use_model(repository)
    bench.view.page.verify_button.click()
    await bench.until(bench.view.page.verify_button.isEnabled)
    await bench.until(
        lambda: "verif" in bench.window.toast_overlay.text() or "whole" in bench.window.toast_overlay.text()
    )


async def test_one_that_waits_is_put_before_the_others(bench, hub, fetch):
    hub.rate = SLOW
    for name in ("first", "second", "third"):
        await fetch(name)
    last = await fetch("fourth")
    await bench.until(bench.view.page.first_button.isVisible)
    bench.view.page.first_button.click()
    await bench.until(lambda: bench.session.downloads.of(last).priority == 1)
    await bench.until(lambda: not bench.view.page.first_button.isVisible())


async def test_limit_and_offline_switch_are_the_services_settings(bench):
    header = bench.view.header
    header.limit.set_value(1_000)
    header.limit.chosen.emit(1_000)
    await bench.until(lambda: bench.session.network.limit_kb_s == 1_000)
    header.offline.click()
    await bench.until(lambda: bench.session.network.offline)
    assert bench.view.notice.isVisible()
    assert bench.window.status.network.text() == "Offline"
    bench.view.notice.online_button.click()
    await bench.until(lambda: not header.offline.isChecked())
    assert bench.window.status.network.text() == "Private"


async def test_what_has_ended_is_taken_off_the_list(bench, fetch):
    repository = await fetch("listed")
    await bench.until(lambda: state_of(bench, repository) == "done")
    bench.view.header.clear_button.click()
    await bench.until(bench.view.browse_button.isVisible)


async def test_the_queue_is_steered_by_keyboard(bench, hub, fetch):
    hub.rate = SLOW
    repository = await fetch("keys")
    await bench.until(lambda: state_of(bench, repository) == "downloading")
    QTest.keyClick(bench.view.table, Qt.Key.Key_Return)
    await bench.until(lambda: state_of(bench, repository) == "paused")
    assert bench.view.downloads.index(0, Column.MODEL).data(STANDING_ROLE).text == "paused"
    QTest.keyClick(bench.view.table, Qt.Key.Key_Delete)
    assert bench.view.findChild(ConfirmDialog) is not None or state_of(bench, repository) == "cancelled"


async def test_a_failure_is_told_in_whichever_view_the_person_is(bench, hub, fetch):
    hub.fail("model.safetensors", Fault("wrong_bytes", times=9))
    bench.window.show_view("models")
    await fetch("unnoticed")
    await bench.until(bench.window.toast_overlay.offer_button.isVisible)
    assert bench.window.toast_overlay.text() == "unnoticed could not be downloaded"
    bench.window.toast_overlay.offer_button.click()
    assert bench.window.pages.currentWidget() is bench.view
