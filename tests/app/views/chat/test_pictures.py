"""Pictures in a chat: brought in, sent, shown, kept, and refused by models that do not see."""

import base64
import json

import pytest
from PySide6.QtCore import QMimeData, QSize
from PySide6.QtGui import QColor, QImage

from app.views.chat import export
from app.widgets.thumbnail import Thumbnail
from tests.helpers.dialogs import drop


@pytest.fixture
def photo(tmp_path):
    """A JPEG file."""
    path = tmp_path / "meadow.jpg"
    image = QImage(600, 400, QImage.Format.Format_RGB32)
    image.fill(QColor("seagreen"))
    image.save(str(path))
    return path


@pytest.fixture
async def seeing(bench):
    """The bench with an echo model that sees."""
    return await bench.use("seeing")


async def attach(bench, path):
    before = len(bench.page.composer.pictures())
    bench.page.composer.attach([str(path)])
    await bench.until(lambda: len(bench.page.composer.pictures()) > before)


def thumbnails(widget):
    return widget.findChildren(Thumbnail)


async def test_a_picture_goes_along_and_is_shown_with_the_question(seeing, photo):
    await attach(seeing, photo)
    await seeing.ask("What is this?")
    assert seeing.answers()[0].content == "What is this? [image]"
    question = seeing.page.transcript.message_widget(seeing.view.messages.path[0].id)
    assert [shown.accessibleName() for shown in thumbnails(question)] == ["meadow.jpg"]
    assert seeing.page.composer.pictures() == []


async def test_a_picture_alone_is_a_question_and_names_the_chat(seeing, photo):
    await attach(seeing, photo)
    assert seeing.page.composer.send_button.isEnabled()
    await seeing.ask("")
    assert seeing.answers()[0].content == "[image]"
    assert seeing.view.chat.title == "meadow.jpg"


async def test_pictures_stand_in_the_order_in_which_they_came(seeing, tmp_path):
    paths = [tmp_path / f"{side}.bmp" for side in (1500, 10, 700)]
    for path in paths:
        QImage(int(path.stem), int(path.stem), QImage.Format.Format_RGB32).save(str(path))
    seeing.page.composer.attach(list(map(str, paths)))
    await seeing.until(lambda: len(seeing.page.composer.pictures()) == 3)
    assert [picture.name for picture in seeing.page.composer.pictures()] == [path.name for path in paths]
    assert seeing.page.composer.room.text().startswith("about 3,3")


async def test_pictures_are_dropped_and_pasted_and_can_be_taken_away(seeing, photo):
    drop(seeing.page.composer, [photo])
    await seeing.until(lambda: len(seeing.page.composer.pictures()) == 1)
    pasted = QMimeData()
    pasted.setImageData(QImage(30, 20, QImage.Format.Format_RGB32))
    seeing.page.composer.field.insertFromMimeData(pasted)
    await seeing.until(lambda: len(seeing.page.composer.pictures()) == 2)
    thumbnails(seeing.page.composer.strip)[0].removed.emit()
    assert [picture.name for picture in seeing.page.composer.pictures()] == ["Pasted picture"]


async def test_edited_questions_and_copies_of_a_chat_keep_the_picture(seeing, photo):
    await attach(seeing, photo)
    await seeing.ask("one")
    seeing.view.dialogue.edit(seeing.view.messages.path[0].id, "two")
    await seeing.settled()
    assert seeing.answers()[0].content == "two [image]"
    copy = seeing.view.dialogue.fork(seeing.answers()[0].id)
    assert [one.name for one in seeing.view.dialogue.store.path(copy)[0].pictures] == ["meadow.jpg"]


async def test_exports_hold_the_picture_itself(seeing, photo):
    await attach(seeing, photo)
    await seeing.ask("What is this?")
    store, chat = seeing.view.dialogue.store, seeing.view.chat.id
    kept = seeing.view.messages.path[0].pictures[0]
    assert f"![meadow.jpg]({kept.data_url})\n\nWhat is this?" in export.document(store, chat, "markdown")
    told = json.loads(export.document(store, chat, "json"))["messages"][0]["pictures"][0]
    assert (told["name"], base64.b64decode(told["content"])) == ("meadow.jpg", kept.content)


async def test_a_model_that_does_not_see_says_so_before_anything_is_sent(bench, photo):
    await bench.use("echo")
    bench.page.composer.attach([str(photo)])
    assert "does not see pictures. Choose one that does: Seeing" in bench.window.toast_overlay.text()
    assert bench.page.composer.pictures() == []


async def test_pictures_wait_while_a_model_is_chosen_that_does_not_see(seeing, photo):
    await attach(seeing, photo)
    seeing.view._set_model("echo")
    assert "does not see pictures" in seeing.page.composer.note.text()
    assert not seeing.page.composer.send_button.isEnabled()
    seeing.view._set_model("seeing")
    assert seeing.page.composer.note.isHidden()
    assert seeing.page.composer.send_button.isEnabled()


async def test_earlier_pictures_are_left_out_aloud_for_a_model_that_does_not_see(seeing, photo):
    await attach(seeing, photo)
    await seeing.ask("one")
    seeing.view._set_model("echo")
    assert "they are left out" in seeing.page.composer.note.text()
    await seeing.ask("two")
    assert seeing.answers()[-1].content == "two"


async def test_a_file_that_is_no_picture_is_refused_with_its_name(seeing, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n rubbish")
    seeing.page.composer.attach([str(path)])
    await seeing.until(lambda: "broken.png cannot be shown" in seeing.window.toast_overlay.text())


async def test_only_so_many_pictures_go_along(seeing, photo):
    for number in range(9):
        seeing.page.composer.attach_image(QImage(10 + number, 10, QImage.Format.Format_RGB32))
    await seeing.until(lambda: "At most 8" in seeing.window.toast_overlay.text())
    assert len(seeing.page.composer.pictures()) == 8
    assert all(shown.size() == QSize(28, 28) for shown in thumbnails(seeing.page.composer.strip))
