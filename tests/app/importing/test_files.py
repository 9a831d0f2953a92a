"""A model's files on its page: where they are from, whether they are whole, and the way out as one file."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sidecar.types import ImportRequest
from tests.helpers.dialogs import choose, open_dialog
from tests.helpers.gguf_models import gguf_model


def damage(file):
    file.write_bytes(file.read_bytes()[:-1] + b"?")


async def imported(bench):
    await bench.session.client.import_models(ImportRequest(str(gguf_model("qwen2"))))
    model = await bench.model_of("imported")
    bench.view.choose(model.id)
    return model


async def test_a_model_is_exported_and_the_bundle_comes_back(bench, tmp_path):
    await imported(bench)
    bench.view.page.files.export_button.click()
    dialog = open_dialog(bench.view)
    assert dialog.selectedFiles()[0].endswith("qwen2.inglenook")
    choose(dialog, tmp_path / "carried")
    await bench.until(lambda: "carried.inglenook" in bench.window.toast_overlay.text())
    assert bench.window.toast_overlay.offer_button.text() == "Show in folder"
    bench.window.import_models([str(tmp_path / "carried.inglenook")])
    await bench.found()
    assert bench.dialog.found.at(0).source == "bundle"


async def test_files_that_are_whole_are_said_to_be(bench):
    await imported(bench)
    files = bench.view.page.files
    assert files.facts.value("Origin") == "Imported"
    QTest.mouseClick(files.verify_button, Qt.MouseButton.LeftButton)
    await bench.until(lambda: files.words.text() and files.verify_button.isEnabled())
    assert files.words.text().startswith("The one file of qwen2 is")
    assert files.repair_button.isHidden()


async def test_a_damaged_import_is_told_and_can_be_fetched_again(bench):
    model = await imported(bench)
    damage(Path(model.model_path))
    files = bench.view.page.files
    files.verify_button.click()
    await bench.until(files.repair_button.isVisible)
    assert "Damaged: qwen2.gguf" in files.words.text()
    assert files.repair_button.text() == "Fetch again…"
    files.repair_button.click()
    assert bench.dialog.isVisible()
    bench.window.import_models([str(gguf_model("qwen2"))])
    await bench.found()
    bench.dialog.found.toggle(0)
    bench.dialog.import_button.click()
    await bench.until(lambda: files.words.text() == "")
    files.verify_button.click()
    await bench.until(lambda: files.words.text().startswith("The one file"))
