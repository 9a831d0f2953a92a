"""The Storage view against a real service."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.views.storage.view import TRASH, UNUSED
from app.widgets.confirm_dialog import ConfirmDialog
from tests.app.views.storage.conftest import KEPT, OTHER


def agree(bench):
    bench.view.findChild(ConfirmDialog).action_button.click()


async def test_it_is_reached_from_the_models_view_and_leads_back(bench):
    bench.window.show_view("models").header.storage_button.click()
    assert bench.window.pages.currentWidget() is bench.view
    assert bench.window.rail.buttons["models"].isChecked()
    bench.view.header.back_button.click()
    assert bench.window.pages.currentWidget() is bench.window.view("models")


async def test_every_model_tells_its_size_and_when_it_was_used(bench):
    assert bench.titles() == {"Kept-1B", "Other-2B", "Starter chat", "Starter sentiment"}
    entry = bench.view.entries.at(bench.view.entries.row_of(KEPT))
    assert (entry.size, entry.when, entry.when_note) == (entry.frees, "never", "added just now")
    assert "1.5 MB" in bench.view.entries.data(bench.view.entries.index(bench.view.entries.row_of(KEPT), 1))
    assert bench.view.disk.folder.text() == str(bench.paths.models_dir)
    bench.view.tabs.set_current(UNUSED)
    assert bench.view.nothing.text() == "Every model was used within 30 days."


async def test_a_model_goes_to_the_trash_and_the_undo_brings_it_back(bench):
    bench.choose(OTHER)
    assert bench.view.chosen.text() == "1 model · 1.5 MB"
    QTest.keyClick(bench.view.table, Qt.Key.Key_Delete)
    await bench.until(lambda: "Other-2B" not in bench.titles())
    assert "is in the trash for 7 days" in bench.window.toast_overlay.text()
    await bench.undo()
    await bench.until(lambda: "Other-2B" in bench.titles())


async def test_what_came_with_inglenook_cannot_be_deleted(bench):
    bench.choose("starter-chat")
    assert not bench.view.delete_button.isEnabled()
    assert bench.view.chosen.text() == "It came with Inglenook, and stays."


async def test_the_trash_gives_back_and_deletes_for_good_when_asked_twice(bench):
    bench.choose(OTHER)
    bench.view.delete_button.click()
    await bench.until(lambda: bench.view.trash)
    bench.view.tabs.set_current(TRASH)
    assert bench.titles() == {"Other-2B"}
    bench.view.table.selectRow(0)
    bench.view.restore_button.click()
    await bench.until(lambda: not bench.view.trash)
    assert "The trash is empty" in bench.view.nothing.text()
    bench.view.tabs.set_current(0)
    bench.choose(OTHER)
    bench.view.delete_button.click()
    await bench.until(lambda: bench.view.trash)
    bench.view.tabs.set_current(TRASH)
    bench.view.table.selectRow(0)
    bench.view.delete_button.click()
    assert bench.view.trash
    agree(bench)
    await bench.until(lambda: not bench.view.trash)
    assert not (bench.paths.models_dir / "org--Other-2B").exists()


async def test_what_could_go_is_named_and_deleted_when_agreed(bench):
    damaged = bench.paths.models_dir / ".quarantine" / "x"
    damaged.parent.mkdir()
    damaged.write_bytes(b"x" * 2_000_000)
    bench.view.requests.look()
    await bench.until(lambda: "quarantine" in bench.view.clean.lines)
    assert bench.view.clean.button.text() == "Delete 2.0 MB"
    bench.view.clean.lines["quarantine"].box.setChecked(False)
    assert not bench.view.clean.button.isEnabled()
    bench.view.clean.lines["quarantine"].box.setChecked(True)
    bench.view.clean.button.click()
    agree(bench)
    await bench.until(lambda: not damaged.exists())
    await bench.until(lambda: bench.window.toast_overlay.text() == "2.0 MB are free again")


async def test_the_folder_moves_into_a_new_folder_of_the_one_that_was_chosen(bench, tmp_path):
    (tmp_path / "something").write_bytes(b"")
    bench.view.requests.move(str(tmp_path))
    target = tmp_path / "inglenook-models"
    await bench.until(lambda: bench.view.disk.folder.text() == str(target))
    assert (target / "org--Kept-1B" / "c1" / "config.json").exists()
    await bench.until(bench.view.disk.move_button.isVisible)
    bench.view.requests.move(str(bench.paths.models_dir))
    await bench.until(lambda: bench.view.disk.folder.text() == str(bench.paths.models_dir))


async def test_a_folder_that_cannot_be_used_becomes_a_banner(bench):
    bench.view.requests.move("/proc/nowhere")
    await bench.until(bench.window.banners.shown)
    assert "cannot be used" in bench.window.banners.shown()[0].accessibleName()


async def test_the_settings_lead_here(bench):
    settings = bench.window.show_view("settings")
    await bench.until(settings.is_settled)
    settings.rows["models_dir"].link.click()
    assert bench.window.pages.currentWidget() is bench.view
