"""The Models view against a real service."""

import asyncio

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.model_names import display_name
from app.models.installed import Column
from sidecar.client import Client
from sidecar.types import GenerateRequest, JobInfo, RegisterRequest
from tests.helpers.models import echo_model


async def test_every_model_has_a_row_and_the_chosen_one_a_page(bench):
    view = bench.view
    assert {view.installed.at(row).id for row in range(view.installed.rowCount())} == {
        "echo", "starter-chat", "starter-sentiment",
    }  # fmt: skip
    view.table.selectRow(view.installed.row_of("starter-sentiment"))
    assert view.model.id == "starter-sentiment"
    assert view.page.details.facts.value("Task") == "Classification"
    assert view.page.details.facts.value("Labels") == "negative, neutral, positive"
    assert "not prepared" in view.page.details.facts.value("Why")


async def test_the_smallest_window_shows_the_whole_names(bench):
    bench.window.resize(bench.window.minimumSize())
    await bench.until(lambda: bench.view.table.isColumnHidden(Column.STATE))
    name = display_name(bench.session.model("starter-sentiment"))
    assert bench.view.table.fontMetrics().horizontalAdvance(name) < bench.view.table.columnWidth(Column.MODEL)
    bench.window.resize(1280, 820)
    await bench.until(lambda: not bench.view.table.isColumnHidden(Column.STATE))


async def test_a_model_is_unloaded_and_the_undo_loads_it_again(bench):
    bench.view.requests.load(bench.view.model)
    await bench.becomes(is_loaded=True)
    bench.view.page.details.unload_button.click()
    await bench.becomes(is_loaded=False)
    await bench.until(bench.window.toast_overlay.undo_button.isVisible)
    bench.window.toast_overlay.undo_button.click()
    await bench.becomes(is_loaded=True)


async def test_a_model_is_deleted_and_the_undo_brings_it_back_as_it_was(bench):
    bench.view.requests.update(bench.view.model, "quantization", "none")
    await bench.becomes(quantization="none")
    bench.view.page.details.delete_button.click()
    await bench.until(lambda: bench.session.model("echo") is None)
    await bench.until(bench.window.toast_overlay.undo_button.isVisible)
    bench.window.toast_overlay.undo_button.click()
    await bench.until(lambda: bench.session.model("echo") is not None)
    bench.view.choose("echo")
    assert bench.view.model.quantization == "none"
    bench.view.choose("starter-chat")
    assert not bench.view.page.details.delete_button.isVisible()
    bench.view.choose("echo")


async def test_a_model_can_be_unloaded_once_another_programs_request_has_ended(bench):
    folder = echo_model(bench.paths.data_dir / "endless", repeat=0, delay_ms=5, context_length=1_000_000)
    async with Client.connect(bench.paths) as other:
        await other.register(RegisterRequest(name="endless", model_type="text_generation", model_path=str(folder)))
        await bench.until(lambda: bench.session.model("endless") is not None)
        bench.view.choose("endless")
        request = asyncio.create_task(
            other.generate("endless", GenerateRequest(prompt="again", max_new_tokens=1_000_000))
        )
        await bench.becomes(is_loaded=True, active_requests=1)
        assert not bench.view.page.details.unload_button.isEnabled()
        request.cancel()
        await bench.until(bench.view.page.details.unload_button.isEnabled)
        await other.remove("endless")
    bench.view.choose("echo")


async def test_enter_loads_a_model_and_then_goes_to_work_with_it(bench):
    if bench.view.model.is_loaded:
        bench.view.page.details.unload_button.click()
        await bench.becomes(is_loaded=False)
    QTest.keyClick(bench.view.table, Qt.Key.Key_Return)
    await bench.becomes(is_loaded=True)
    QTest.keyClick(bench.view.table, Qt.Key.Key_Return)
    assert bench.window.pages.currentWidget() is bench.window.view("chat")
    assert bench.window.view("chat").chat.model == "echo"


async def test_options_are_written_to_the_service_and_shown_as_it_tells_them(bench):
    options = bench.view.page.options
    for option, told, value in (
        ("quantization", "quantization", "none"),
        ("keep_alive", "keep_alive", -1.0),
        ("device", "device_choice", "cpu"),
    ):
        options.fields[option].set_value(value)
        options.fields[option].activated.emit(options.fields[option].currentIndex())
        await bench.becomes(**{told: value})
    assert options.fields["keep_alive"].currentText() == "Until unloaded"
    options.copies.setValue(2)
    await bench.becomes(num_workers=2)
    options.copies.setValue(1)
    await bench.becomes(num_workers=1)


async def test_whether_a_model_sees_is_an_option_where_it_has_a_projector(bench):
    options, details = bench.view.page.options, bench.view.page.details
    assert options.fields["use_projector"].isHidden()
    seeing = msgspec.structs.replace(bench.view.model, projector="mmproj-f16.gguf")
    details.show_model(seeing, None)
    options.show_model(seeing)
    assert details.facts.value("Sees with") == "mmproj-f16.gguf"
    assert not options.fields["use_projector"].isHidden()
    options.show_model(msgspec.structs.replace(seeing, projector=None, use_projector=False))
    assert options.fields["use_projector"].currentText() == "Are not taken"


async def test_weights_in_4_bits_are_offered_for_models_that_write(bench):
    options, field = bench.view.page.options, bench.view.page.options.fields["quantization"]
    field.set_value("int4")
    field.activated.emit(field.currentIndex())
    await bench.becomes(quantization="int4")
    assert field.currentText() == "4 bits"
    options.show_model(msgspec.structs.replace(bench.view.model, model_type="classification", quantization=None))
    assert field.findText("4 bits") == -1


async def test_a_model_is_pinned_and_unpinned(bench):
    bench.view.page.details.pin_button.click()
    await bench.becomes(pinned=True)
    bench.view.page.details.pin_button.click()
    await bench.becomes(pinned=False)


async def test_what_the_service_refuses_becomes_a_banner_and_the_option_stays_what_it_is(bench):
    bench.view.page.options.changed.emit("device", "a toaster")
    await bench.until(bench.window.banners.shown)
    assert "toaster" in bench.window.banners.shown()[0].accessibleName()
    assert bench.view.model.device_choice != "a toaster"


async def test_without_a_measurement_of_the_machine_it_is_said_and_can_be_made(bench):
    bench.view.choose("starter-chat")
    await bench.until(bench.view.page.forecast.measure_button.isVisible)
    assert "measured" in bench.view.page.forecast.note.text()


async def test_a_model_that_went_away_is_not_predicted_and_the_reason_stands_there(bench):
    bench.view.forecaster.failed.emit("echo", "There is no model called 'echo'.")
    assert bench.view.page.forecast.note.text() == "There is no model called 'echo'."
    assert bench.view.page.forecast.retry_button.isVisible()


async def test_preparing_shows_its_progress_and_can_be_cancelled(bench):
    bench.view.choose("starter-sentiment")
    bench.view.page.preparation.button.setFocus()
    bench.view.page.preparation.button.click()
    await bench.until(bench.view.page.preparation.cancel_button.isVisible)
    assert (
        bench.view.page.preparation.cancel_button.hasFocus()
    )  # and not the option below, which the wheel would change
    assert "%" in bench.view.page.preparation.words.text()
    bench.view.page.preparation.cancel_button.click()
    await bench.until(bench.view.page.preparation.button.isVisible)
    assert bench.view.page.preparation.button.hasFocus()
    assert bench.view.jobs.of("starter-sentiment").state == "cancelled"


async def test_a_preparation_that_failed_says_why(bench):
    bench.view.choose("starter-sentiment")
    bench.session.job_changed.emit(JobInfo("1", "prepare", "starter-sentiment", "failed", message="The disk is full."))
    assert bench.view.page.preparation.words.text() == "The disk is full."
    assert bench.view.page.preparation.button.text() == "Try again"


async def test_a_search_without_a_match_says_so(bench):
    bench.view.header.search.setText("no such model")
    assert bench.view.installed.rowCount() == 0
    assert bench.view._nothing.isVisible()


async def test_the_chats_model_chooser_leads_to_the_models_page(bench):
    chat = bench.window.show_view("chat")
    chat.use_model("starter-chat")
    chat.page.header.picker.open_popup()
    popup = chat.page.header.picker._popup
    QTest.keyClicks(popup.list.field, "about these")
    QTest.keyClick(popup.list.field, Qt.Key.Key_Return)
    assert bench.window.pages.currentWidget() is bench.view
    assert bench.view.model.id == "starter-chat"
