"""Importing models in the window, at a real service with real files."""

import os
import shutil

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.importing.asking import Findings
from app.models.rows import NOTE_ROLE
from sidecar.types import Importable, ImportRequest
from tests.helpers.dialogs import choose, open_dialog
from tests.helpers.dragging import Drag
from tests.helpers.gguf_models import gguf_model
from tests.helpers.models import tiny


async def test_what_other_programs_keep_is_listed_and_nothing_is_ticked(bench):
    bench.view.header.import_button.click()
    await bench.found()
    assert bench.names() == ["tiny:1b", "me/Base-GGUF", "broken"]
    assert not bench.dialog.import_button.isEnabled()
    assert bench.dialog.found.flags(bench.dialog.found.index(2, 0)) & Qt.ItemFlag.ItemIsUserCheckable == Qt.ItemFlag(0)
    bench.dialog.listing.table.selectRow(bench.row("broken"))
    assert "not a sound GGUF file" in bench.dialog.listing.note.text()


async def test_a_model_is_imported_by_keyboard_and_can_be_asked_at_once(bench):
    bench.window.activateWindow()
    await bench.until(bench.window.isActiveWindow)
    QTest.keyClick(bench.window, "o", Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    await bench.found()
    table = bench.dialog.listing.table
    assert QApplication.focusWidget() is table
    QTest.keyClick(table, Qt.Key.Key_Space)
    assert bench.dialog.space.text().startswith("1 model · ")
    QTest.keyClick(table, Qt.Key.Key_Return)
    model = await bench.model_of("imported")
    assert bench.dialog.isHidden()
    await bench.until(bench.offered)
    assert bench.window.toast_overlay.text() == "Tiny 1b is here"
    bench.window.toast_overlay.offer_button.click()
    assert bench.window.view("chat").chat.model == model.id


async def test_files_are_used_where_they_are_when_asked_and_the_page_says_whose_they_are(bench):
    bench.window.import_models()
    await bench.found()
    bench.dialog.listing.table.selectRow(bench.row("tiny:1b"))
    bench.dialog.found.toggle(bench.row("tiny:1b"))
    bench.dialog.in_place.click()
    assert bench.dialog.space.text() == "1 model · nothing is copied"
    bench.dialog.import_button.click()
    model = await bench.model_of("in_place")
    bench.view.choose(model.id)
    assert bench.view.page.files.facts.value("Origin") == "Used where it is · Ollama"
    bench.dialog.in_place.setChecked(False)


async def test_all_that_can_be_are_ticked_at_once(bench):
    bench.window.import_models()
    await bench.found()
    QTest.mouseClick(
        bench.dialog.listing.all_box, Qt.MouseButton.LeftButton, pos=bench.dialog.listing.all_box.rect().center() / 8
    )
    assert [one.name for one in bench.dialog.found.chosen()] == ["tiny:1b", "me/Base-GGUF"]
    bench.dialog.found.toggle(bench.row("tiny:1b"))
    assert bench.dialog.listing.all_box.checkState() == Qt.CheckState.PartiallyChecked


async def test_a_folder_chosen_in_the_dialog_is_ticked_and_enter_imports_it(bench, tmp_path):
    folder = shutil.copytree(tiny("bert-single"), tmp_path / "my-reader")
    bench.window.import_models()
    bench.dialog.source.folder_button.click()
    choose(open_dialog(bench.dialog.source), folder)
    await bench.until(bench.dialog.import_button.isEnabled)
    assert bench.names() == ["my-reader"]
    QTest.keyClick(bench.dialog.import_button, Qt.Key.Key_Return)
    await bench.until(lambda: bench.session.model("my-reader") is not None)
    bench.window.import_models([str(folder)])
    await bench.found()
    assert "here already as my-reader" in bench.dialog.found.data(bench.dialog.found.index(0, 0), NOTE_ROLE)
    assert bench.dialog.found.chosen() == []


async def test_a_file_chosen_in_the_dialog_is_ticked(bench):
    bench.window.import_models()
    bench.dialog.source.file_button.click()
    choose(open_dialog(bench.dialog.source), gguf_model("qwen2"))
    await bench.until(lambda: bench.dialog.found.chosen())
    assert bench.names() == ["qwen2"]
    bench.dialog.source.machine_button.click()
    await bench.until(lambda: "tiny:1b" in bench.names())
    assert bench.dialog.found.chosen() == []


async def test_a_dropped_model_waits_for_one_confirmation(bench):
    Drag(bench.window, [gguf_model("qwen2")], bench.view.table).drop()
    await bench.until(bench.dialog.import_button.isEnabled)
    assert QApplication.focusWidget() is bench.dialog.import_button
    bench.dialog.import_button.click()
    await bench.model_of("imported")


async def test_what_is_no_model_is_told_in_words_where_the_list_would_be(bench, tmp_path):
    (tmp_path / "empty").mkdir()
    bench.window.import_models([str(tmp_path / "empty")])
    await bench.found()
    assert bench.dialog.listing.message.text().startswith(f"{tmp_path / 'empty'} is neither a model's folder")
    assert not bench.dialog.import_button.isEnabled()


async def test_what_does_not_fit_on_the_disk_is_not_begun(bench):
    bench.window.import_models(["/nowhere"])
    await bench.found()
    one = Importable("large", "/large.gguf", "gguf", 10**12)
    bench.dialog._on_found(Findings(("/large.gguf",), (one,), (), 10**9))
    assert not bench.dialog.import_button.isEnabled()
    assert "needs 1000 GB, 1.0 GB are free" in bench.dialog.space.text()
    bench.dialog.in_place.setChecked(True)
    assert bench.dialog.import_button.isEnabled()
    bench.dialog.in_place.setChecked(False)


async def test_an_old_checkpoint_needs_a_permission(bench):
    bench.window.import_models(["/nowhere"])
    await bench.found()
    old = Importable("old", "/old", "folder", 100, permission="pickle", in_place=False)
    bench.dialog._on_found(Findings(("/old",), (old,), (), 10**9))
    assert not bench.dialog.import_button.isEnabled()
    bench.dialog.permission.setChecked(True)
    assert bench.dialog.import_button.isEnabled()
    bench.dialog.permission.setChecked(False)


async def test_what_the_service_refuses_stays_in_the_dialog_with_the_reason(bench, tmp_path):
    file = tmp_path / "soon-gone.gguf"
    shutil.copy(gguf_model("qwen2"), file)
    bench.window.import_models([str(file)])
    await bench.until(bench.dialog.import_button.isEnabled)
    file.unlink()
    bench.dialog.import_button.click()
    await bench.until(bench.dialog.trouble.isVisible)
    assert bench.dialog.trouble.text() == f"{file} is not there."


async def test_an_address_that_cannot_be_fetched_is_told_beside_the_field(bench):
    bench.window.import_models()
    QTest.keyClicks(bench.dialog.address.field, "llama3.2:1b")
    QTest.keyClick(bench.dialog.address.field, Qt.Key.Key_Return)
    await bench.until(bench.dialog.trouble.isVisible)
    assert "looks like a name in Ollama's own registry" in bench.dialog.trouble.text()
    bench.dialog.address.field.setText("https://example.org/little.gguf")
    bench.dialog.address.button.click()
    await bench.until(lambda: "offline" in bench.dialog.trouble.text().lower())


async def test_escape_closes_it_and_tab_stays_inside(bench):
    bench.window.import_models()
    await bench.found()
    for _ in range(20):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert bench.dialog.panel.isAncestorOf(QApplication.focusWidget())
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert bench.dialog.isHidden()


async def test_an_import_shows_its_progress_and_can_be_cancelled(bench, tmp_path):
    large = shutil.copytree(tiny("bert-single"), tmp_path / "large")
    os.truncate(large / "model.safetensors", 2_000_000_000)  # takes no space here, and a while to read
    job = await bench.session.client.import_models(ImportRequest(str(large)))
    await bench.until(lambda: bench.view.transfers.isVisible() and bench.session.transfers.running())
    assert bench.window.rail.buttons["models"].accessibleDescription() == "1 under way"
    bench.view.transfers.lines[0].cancel_button.click()
    await bench.until(lambda: not bench.view.transfers.isVisible())
    assert (await bench.session.client.job(job.job_id)).state == "cancelled"


async def test_an_import_that_failed_says_why_and_is_begun_again_with_the_same_source(bench, home):
    broken = home / ".ollama/models/manifests/registry.ollama.ai/library/broken/latest"
    await bench.session.client.import_models(ImportRequest(str(broken)))
    await bench.until(lambda: bench.session.transfers.failed_ones())
    line = bench.view.transfers.lines[0]
    assert line.accessibleName() == "broken was not imported"
    assert "no engine here can use its files" in line.figures.text()
    line.again_button.click()
    await bench.until(lambda: bench.names() == ["broken"])
    assert not bench.view.transfers.isVisible()
