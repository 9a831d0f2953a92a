"""What goes wrong is said in the message, and nothing that was written is lost."""

import os
import signal

from app.conversations import ConversationStore
from tests.app.views.chat.conftest import Bench, forget_chats


async def test_a_crash_of_the_worker_is_told_in_the_message_and_retry_is_offered(own_service):
    await own_service.use("echo")
    own_service.view.ask("before [[crash]] after", [])
    await own_service.settled()
    widget = own_service.answer_widget()
    assert own_service.answers()[0].status == "error"
    assert own_service.answers()[0].facts["error"]["code"] == "worker_crashed"
    assert widget.notes.findChild(object, "retry") is not None


async def test_retry_after_a_crash_keeps_the_partial_text_as_a_version(own_service):
    await own_service.use("echo")
    await own_service.ask("before [[crash]] after")
    assert own_service.answers()[0].content.strip() == "before"
    own_service.answer_widget().asked.emit("retry", None)
    await own_service.settled()
    assert own_service.view.dialogue.place(own_service.answers()[0].id) == (1, 2)


async def test_a_killed_service_leaves_the_text_and_retry_works_when_it_is_back(own_service):
    answer = await own_service.ask_and_wait_for_words("a b c")
    os.kill(own_service.process.service.pid, signal.SIGKILL)
    await own_service.settled()
    stored = own_service.view.dialogue.store.message(answer.id)
    assert stored.status == "error"
    assert stored.content
    assert stored.facts["error"]["code"] == "service_unreachable"
    await own_service.until(lambda: not own_service.session.state.usable)
    await own_service.until(lambda: own_service.session.state.usable)
    own_service.answer_widget().asked.emit("retry", None)
    again = own_service.answers()[-1]
    await own_service.until(lambda: own_service.view.dialogue.facts(again).text)


async def test_a_connection_closed_on_this_side_ends_the_answer(slow):
    await slow.ask_and_wait_for_words("a b c")
    await slow.session.client.close()
    await slow.settled()
    assert slow.answers()[0].facts["error"]["code"] == "service_unreachable"


async def test_what_a_killed_window_was_writing_is_there_as_interrupted(slow):
    answer = await slow.ask_and_wait_for_words("a b c")
    await slow.until(lambda: slow.view.dialogue.store.message(answer.id).content)
    later = ConversationStore(slow.paths.conversations)  # as the next window would, after a crash of this one
    assert later.message(answer.id).status == "interrupted"
    assert later.message(answer.id).content
    later.close()


async def test_a_full_context_offers_to_drop_the_oldest_turns_and_does_it(bench):
    await bench.use("small")
    await bench.ask("word " * 60)
    assert bench.answers()[0].facts["error"]["code"] == "context_exceeded"
    bench.answer_widget().notes.findChild(object, "truncate").click()
    await bench.settled()
    assert bench.answers()[0].status == "done"
    assert "was dropped" in bench.answer_widget().facts.warnings[0]


async def test_an_unknown_model_is_told_in_the_message(echo):
    echo.view._set_model("gone")
    await echo.ask("hello")
    assert echo.answers()[0].facts["error"]["code"] == "model_not_found"
    assert echo.page.header.picker.current().detail == "not installed"


async def test_a_damaged_chat_file_is_set_aside_and_said(served, until):
    forget_chats(served)
    served.conversations.write_bytes(b"not a database" * 1000)
    bench = Bench(served, until, "chat")
    await bench.start()
    said = [banner.accessibleName() + banner.accessibleDescription() for banner in bench.window.banners.shown()]
    assert any("damaged" in words for words in said)
    await bench.close()
