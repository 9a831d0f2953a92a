"""What is dragged onto the window: models are imported wherever they are let go, everything else goes on as before."""

import pytest
from PySide6.QtCore import Qt

from app.model_drops import models_among
from app.running_service import OwnedService
from tests.helpers.dragging import Drag
from tests.helpers.window_bench import opened_window


@pytest.fixture
async def window(paths):
    async with opened_window(paths, launch=lambda paths: OwnedService(paths, [])) as made:
        made.resize(1280, 820)
        yield made


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "little.gguf"
    file.write_bytes(b"GGUF")
    return file


@pytest.fixture
def note(tmp_path):
    file = tmp_path / "note.txt"
    file.write_text("text")
    return file


def asked_for(window):
    return window.imports.dialog._paths if window.imports.dialog.isVisible() else None


async def test_a_model_over_the_window_is_announced_until_it_leaves(window, model):
    window.show_view("settings")
    drag = Drag(window, [model])
    assert drag.enter().isAccepted()
    assert window.imports.drops.veil.isVisible()
    assert window.imports.drops.veil.accessibleName() == "Drop to import"
    drag.leave()
    assert not window.imports.drops.veil.isVisible()


async def test_a_dropped_model_opens_the_dialog_with_it_and_its_original_is_not_taken_away(window, model):
    window.show_view("settings")
    event = Drag(window, [model]).drop()
    assert event.isAccepted()
    assert event.dropAction() == Qt.DropAction.CopyAction
    assert asked_for(window) == (str(model),)
    assert not window.imports.drops.veil.isVisible()


async def test_the_chat_does_not_take_a_model_for_an_attachment(window, model):
    chat = window.show_view("chat")
    Drag(window, [model], chat.page.composer.field).drop()
    assert asked_for(window) == (str(model),)
    assert chat.page.composer.attachments() == []
    assert chat.page.composer.text() == ""


async def test_a_text_file_over_the_chat_is_attached_as_ever(window, note):
    chat = window.show_view("chat")
    drag = Drag(window, [note], chat.page.composer)
    drag.drop()
    assert [attachment.name for attachment in chat.page.composer.attachments()] == ["note.txt"]
    assert not window.imports.drops.veil.isVisible()


async def test_a_search_field_does_not_take_a_model_for_a_text(window, model):
    models = window.show_view("models")
    Drag(window, [model], models.header.search).drop()
    assert asked_for(window) == (str(model),)
    assert models.header.search.text() == ""


async def test_what_nothing_takes_is_answered_with_what_can_be_dropped(window, note):
    models = window.show_view("models")
    Drag(window, [note], models.table).drop()
    assert window.toast_overlay.text() == "note.txt is no model: drop a GGUF file, a bundle, or a model's folder"


async def test_texts_and_addresses_that_are_dragged_are_not_the_windows(window, model):
    models = window.show_view("models")
    drag = Drag(window, [], models.table)
    drag.data.setText("some words")
    assert not drag.enter().isAccepted()


def test_models_are_known_by_their_names_and_weights_stand_for_their_folder(tmp_path, model, note):
    folder = tmp_path / "folder"
    folder.mkdir()
    parts = [folder / f"model-0000{number}.safetensors" for number in (1, 2)]
    found = models_among([str(path) for path in (note, model, tmp_path / "A.INGLENOOK", folder, *parts)])
    assert found == [str(model), str(tmp_path / "A.INGLENOOK"), str(folder)]
