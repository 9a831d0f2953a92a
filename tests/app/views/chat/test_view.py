"""What a person sees and does in the Chat view, against the real service with the echo engine."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.widgets.button import Button
from app.widgets.icon_button import IconButton
from app.widgets.shadow import SPREAD


async def test_a_question_is_answered_and_both_are_stored(echo):
    await echo.ask("one two three")
    path = echo.view.dialogue.store.path(echo.view.chat.id)
    assert [(message.role, message.content, message.status) for message in path] == [
        ("user", "one two three", "done"),
        ("assistant", "one two three", "done"),
    ]


async def test_the_answer_is_on_screen_with_its_figures(echo):
    await echo.ask("one two three")
    widget = echo.answer_widget()
    assert widget.markdown.markdown() == "one two three"
    assert "of 4,096 tokens" in widget.footer.figures.toolTip()
    assert "echo" in widget.footer.figures.toolTip()


async def test_the_title_is_made_from_the_first_question(echo):
    await echo.ask("What is Inglenook?\nTell me all.")
    assert echo.view.chat.title == "What is Inglenook?"
    assert echo.page.sidebar.model.chats()[0].title == "What is Inglenook?"


async def test_enter_sends_and_empties_the_field(echo):
    echo.page.composer.set_text("hello")
    QTest.keyClick(echo.page.composer.field, Qt.Key.Key_Return)
    assert echo.page.composer.text() == ""
    await echo.settled()
    assert [message.content for message in echo.view.messages.path] == ["hello", "hello"]


async def test_an_empty_question_is_not_sent(echo):
    echo.page.composer.set_text("   ")
    echo.page.composer.submit()
    assert echo.view.messages.path == []


async def test_stop_keeps_what_was_written_and_says_so(slow):
    slow.page.composer.set_text("word " * 5)
    slow.page.composer.submit()
    await slow.until(lambda: slow.answers() and "word" in slow.view.dialogue.facts(slow.answers()[0]).text)
    slow.page.composer.send_button.click()
    await slow.settled()
    assert slow.answers()[0].status == "stopped"
    assert "word" in slow.answers()[0].content
    assert slow.page.composer.send_button.text() == "Send"


async def test_whoever_clicks_stop_stays_at_the_end_and_can_write_at_once(slow):
    await slow.ask_and_wait_for_words("line\n\n" * 40)
    QTest.mouseClick(slow.page.composer.send_button, Qt.MouseButton.LeftButton)
    await slow.settled()
    assert slow.page.transcript.following
    assert QApplication.focusWidget() is slow.page.composer.field


async def test_the_focus_on_stop_goes_to_the_field_when_the_answer_ends_by_itself(echo):
    echo.view.ask("line\n\n" * 40, [])
    echo.page.composer.send_button.setFocus()
    await echo.settled()
    assert echo.page.transcript.following
    assert QApplication.focusWidget() is echo.page.composer.field


async def test_escape_stops_the_answer(slow):
    slow.page.composer.set_text("a b c")
    slow.page.composer.submit()
    await slow.until(lambda: slow.view.dialogue.answers.busy())
    QTest.keyClick(slow.page.composer.field, Qt.Key.Key_Escape)
    await slow.settled()
    assert slow.answers()[0].status == "stopped"


async def stopped_amid_an_answer(slow):
    slow.page.composer.set_text("a b c")
    slow.page.composer.submit()
    await slow.until(lambda: slow.answers() and slow.view.dialogue.facts(slow.answers()[0]).text)
    slow.view.stop()
    await slow.settled()


async def test_a_stopped_answer_can_be_continued(slow):
    await stopped_amid_an_answer(slow)
    before = slow.answers()[0].content
    slow.answer_widget().asked.emit("continue", None)
    await slow.until(lambda: len(slow.view.dialogue.facts(slow.answers()[0]).text) > len(before))
    slow.view.stop()
    await slow.settled()
    assert slow.answers()[0].content.startswith(before)


async def test_answering_again_makes_a_second_version(echo):
    await echo.ask("one")
    echo.answer_widget().footer.asked.emit("regenerate", None)
    await echo.settled()
    assert echo.view.dialogue.place(echo.answers()[0].id) == (1, 2)
    assert echo.answer_widget().footer.switcher.accessibleName() == "Version 2 of 2"


async def test_an_edited_question_is_a_branch_and_the_old_one_stays_reachable(echo):
    await echo.ask("first")
    question = echo.view.messages.path[0]
    echo.page.transcript.message_widget(question.id).asked.emit("edit", "second")
    await echo.settled()
    assert [message.content for message in echo.view.messages.path] == ["second", "second"]
    echo.page.transcript.message_widget(echo.view.messages.path[0].id).asked.emit("branch", -1)
    assert [message.content for message in echo.view.messages.path] == ["first", "first"]


async def test_an_edited_answer_is_what_the_model_reads_next(echo):
    await echo.ask("first")
    echo.answer_widget().asked.emit("edit", "corrected")
    request = echo.view.dialogue.request(echo.view.chat, echo.view.messages.path)
    assert [message.content for message in request.messages] == ["first", "corrected"]


async def test_the_model_reads_the_system_prompt_and_the_path(echo):
    await echo.ask("first")
    echo.view._set_system_prompt("Be brief.")
    await echo.ask("second")
    request = echo.view.dialogue.request(echo.view.chat, echo.view.messages.path)
    assert [(message.role, message.content) for message in request.messages] == [
        ("system", "Be brief."),
        ("user", "first"),
        ("assistant", "first"),
        ("user", "second"),
        ("assistant", "second"),
    ]


async def test_the_chats_sampling_goes_along(echo):
    echo.page.drawer.fields.presets.segments["precise"].click()
    await echo.ask("first")
    request = echo.view.dialogue.request(echo.view.chat, echo.view.messages.path)
    assert (request.temperature, request.top_p) == (0.2, 0.9)


async def test_a_fork_is_a_new_chat_up_to_that_message(echo):
    await echo.ask("first")
    await echo.ask("second")
    original = echo.view.chat.id
    echo.answer_widget(0).footer.asked.emit("fork", None)
    assert echo.view.chat.id != original
    assert [message.content for message in echo.view.messages.path] == ["first", "first"]


async def test_a_fork_is_named_for_the_question_it_begins_with_and_no_name_occurs_twice(echo):
    await echo.ask("first")
    echo.view.dialogue.edit(echo.view.messages.path[0].id, "second")
    await echo.settled()
    for title in ("second", "second (2)"):
        echo.answer_widget().footer.asked.emit("fork", None)
        assert echo.view.chat.title == title
        await echo.until(lambda: echo.answer_widget() is not None)


async def test_two_chats_answer_at_once_and_the_list_shows_both_busy(slow):
    slow.view.ask("first chat", [])
    first = slow.view.chat.id
    slow.view.new_chat()
    slow.view.ask("second chat", [])
    second = slow.view.chat.id
    await slow.until(lambda: [chat.busy for chat in slow.page.sidebar.model.chats()] == [True, True])
    for chat in (first, second):
        message = slow.view.dialogue.store.path(chat)[-1]
        await slow.until(lambda message=message: len(slow.view.dialogue.facts(message).text) > 30)
        slow.view.dialogue.stop(chat)
    await slow.until(lambda: not slow.view.dialogue.answers.busy())


async def test_partial_text_is_on_disk_while_the_answer_is_written(slow):
    slow.view.ask("a b c", [])
    message = slow.answers()[0].id
    await slow.until(lambda: slow.view.dialogue.store.message(message).content)
    assert slow.view.dialogue.store.message(message).status == "partial"
    slow.view.stop()
    await slow.settled()


async def test_after_deleting_a_chat_from_within_typing_begins_the_next(echo):
    await echo.ask("hello")
    echo.window.activateWindow()
    await echo.until(echo.window.isActiveWindow)
    echo.page.transcript.setFocus()
    echo.view.listing.delete(echo.view.chat.id)
    assert echo.page.composer.field.hasFocus()


async def test_a_deleted_chat_comes_back_with_undo(echo):
    await echo.ask("keep me")
    chat = echo.view.chat.id
    echo.view.listing.delete(chat)
    assert echo.page.sidebar.model.chats() == []
    echo.window.toast_overlay.undo_button.click()
    assert echo.view.chat.id == chat
    assert [row.id for row in echo.page.sidebar.model.chats()] == [chat]


async def test_chats_are_found_by_their_text(echo):
    await echo.ask("the purple elephant")
    echo.view.new_chat()
    await echo.ask("something else")
    echo.page.sidebar.search.setText("elephant")
    await echo.until(lambda: len(echo.page.sidebar.model.chats()) == 1)
    assert "elephant" in echo.page.sidebar.model.chats()[0].excerpt


async def test_a_draft_stays_with_its_chat(echo):
    await echo.ask("first")
    chat = echo.view.chat.id
    echo.page.composer.set_text("half a thought")
    echo.view.new_chat()
    assert echo.page.composer.text() == ""
    echo.view.show_chat(chat)
    assert echo.page.composer.text() == "half a thought"


async def test_an_attached_file_is_in_the_message_and_shown_as_a_chip(echo, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("remember the milk")
    echo.page.composer.attach([str(file)])
    await echo.ask("What is this?")
    content = echo.view.messages.path[0].content
    assert content == "notes.txt:\n```\nremember the milk\n```\n\nWhat is this?"
    assert echo.view.chat.title == "What is this?"


async def test_the_room_left_is_told_and_exact_after_an_answer(echo):
    assert echo.page.composer.room.text() == "4,096 tokens free"
    await echo.ask("one two three")
    used = echo.answers()[0].facts["figures"]["used_tokens"]
    assert echo.page.composer.room.text() == f"{4096 - used:,} tokens free"
    echo.page.composer.set_text("and now")
    assert echo.page.composer.room.text().startswith("about 4,0")


async def test_export_writes_both_kinds(echo, tmp_path):
    from app.views.chat import export

    await echo.ask("one two")
    for kind, expected in (("markdown", "## You\n\none two"), ("json", '"content": "one two"')):
        file = tmp_path / export.file_name("a/b: c?", kind)
        export.write(echo.view, export.document(echo.view.dialogue.store, echo.view.chat.id, kind), file)
        assert expected in file.read_text()


async def test_answering_again_leaves_the_focus_in_the_conversation(echo):
    await echo.ask("hello")
    echo.window.activateWindow()
    footer = echo.answer_widget().footer
    button = next(button for button in footer.findChildren(IconButton) if "gain" in button.accessibleName())
    button.setFocus()
    button.click()
    await echo.settled()
    assert QApplication.focusWidget() is echo.page.transcript


async def test_who_has_chosen_another_model_can_write_at_once(echo):
    await echo.until(lambda: echo.session.model("slow") is not None)
    picker = echo.page.header.picker
    picker.setFocus()
    QTest.keyClick(picker, Qt.Key.Key_Space)
    field = picker._popup.list.field
    QTest.keyClicks(field, "slow")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert echo.view.chat.model == "slow"
    assert QApplication.focusWidget() is echo.page.composer.field


async def test_continuing_leaves_the_focus_in_the_conversation(slow):
    await stopped_amid_an_answer(slow)
    slow.window.activateWindow()
    button = slow.answer_widget().notes.findChild(Button, "continue")
    button.setFocus()
    button.click()
    assert QApplication.focusWidget() is slow.page.transcript
    slow.view.stop()
    await slow.settled()


async def test_showing_what_can_be_done_with_a_question_moves_nothing(echo):
    await echo.ask("hello")
    question = echo.page.transcript.message_widget(echo.view.messages.path[0].id)
    before = question.heightForWidth(question.width())
    QApplication.sendEvent(question, QFocusEvent(QEvent.Type.FocusIn))
    question.setFocus()
    question._reveal()
    assert question._buttons.isVisible()
    assert question.heightForWidth(question.width()) == before


async def test_a_message_in_passing_does_not_cover_the_field(echo):
    await echo.ask("hello")
    echo.page.sidebar.delete_requested.emit(echo.view.chat.id)
    toast, composer = echo.window.toast_overlay, echo.page.composer
    assert toast.geometry().bottom() <= composer.mapTo(echo.window, composer.rect().topLeft()).y() + SPREAD


async def test_after_sending_with_a_click_one_can_go_on_writing(echo):
    echo.page.composer.set_text("one two")
    QTest.mouseClick(echo.page.composer.send_button, Qt.MouseButton.LeftButton)
    assert echo.window.focusWidget() is echo.page.composer.field
    await echo.settled()
