"""Chats on disk."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from app.conversations import ConversationStore, StoreError
from app.pictures import Picture, picture_of

LIMIT_S = 0.25  # the promise is 50 ms; the rest is room for a busy machine


class Clock:
    """Time that moves a second with every look."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "conversations.db"


@pytest.fixture
def store(file):
    opened = ConversationStore(file, Clock())
    yield opened
    opened.close()


def reopened(store: ConversationStore, file: Path) -> ConversationStore:
    store.close()
    return ConversationStore(file, Clock())


def test_a_new_chat_is_remembered_with_its_settings(store, file):
    chat = store.create("Greeting", "starter-chat", "Be brief.", {"temperature": 0.5})
    again = reopened(store, file)
    assert again.get(chat.id) == chat
    assert again.get(chat.id).sampling == {"temperature": 0.5}
    again.close()


def test_the_latest_chat_comes_first_and_pinned_ones_before_all(store):
    first, second, third = (store.create(title) for title in ("a", "b", "c"))
    store.add_message(second.id, "user", "hello")
    store.set_pinned(first.id, True)
    assert [chat.id for chat in store.chats()] == [first.id, second.id, third.id]


def test_renaming_keeps_the_place_in_the_list(store):
    first, second = store.create("a"), store.create("b")
    store.rename(first.id, "z")
    assert [chat.title for chat in store.chats()] == ["b", "z"]
    assert second.id == store.chats()[0].id


def test_a_deleted_chat_comes_back_whole(store):
    chat = store.create("a")
    store.add_message(chat.id, "user", "keep me")
    store.delete(chat.id)
    assert store.chats() == []
    store.restore(chat.id)
    assert [found.id for found in store.chats()] == [chat.id]
    assert store.path(chat.id)[0].content == "keep me"


def test_purging_removes_only_what_was_deleted_long_enough_ago(store):
    old, fresh, kept = store.create("old"), store.create("fresh"), store.create("kept")
    store.add_message(old.id, "user", "some words")
    store.delete(old.id)
    store._clock.now += 100
    store.delete(fresh.id)
    assert store.purge(older_than_s=50) == 1
    with pytest.raises(KeyError):
        store.get(old.id)
    assert store.get(fresh.id).title == "fresh"
    assert store.get(kept.id).title == "kept"
    assert store.chats("some words") == []


def test_a_draft_is_kept(store, file):
    chat = store.create()
    store.set_draft(chat.id, "half a thou")
    again = reopened(store, file)
    assert again.get(chat.id).draft == "half a thou"
    again.close()


def test_messages_follow_each_other(store):
    chat = store.create()
    store.add_message(chat.id, "user", "one")
    store.add_message(chat.id, "assistant", "two", model="m")
    assert [(message.role, message.content) for message in store.path(chat.id)] == [
        ("user", "one"),
        ("assistant", "two"),
    ]


def test_an_answer_grows_and_ends_with_its_facts(store):
    chat = store.create()
    answer = store.add_message(chat.id, "assistant", "", status="partial")
    for part in ("Hel", "lo ", "🔥"):
        store.append_text(answer.id, part)
    store.finish_message(answer.id, facts={"tokens": 3})
    done = store.message(answer.id)
    assert (done.content, done.status, done.facts) == ("Hello 🔥", "done", {"tokens": 3})


def test_editing_a_question_branches_and_keeps_the_old_branch(store):
    chat = store.create()
    question = store.add_message(chat.id, "user", "first wording")
    store.add_message(chat.id, "assistant", "first answer")
    edited = store.add_sibling(question.id, "second wording")
    assert [message.content for message in store.path(chat.id)] == ["second wording"]
    assert store.siblings(question.id) == [question.id, edited.id]
    assert len(store.all_messages(chat.id)) == 3


def test_switching_back_shows_the_whole_old_branch(store):
    chat = store.create()
    question = store.add_message(chat.id, "user", "first wording")
    store.add_message(chat.id, "assistant", "first answer")
    store.add_sibling(question.id, "second wording")
    store.switch_branch(question.id)
    assert [message.content for message in store.path(chat.id)] == ["first wording", "first answer"]


def test_regenerating_adds_an_answer_beside_the_first(store):
    chat = store.create()
    store.add_message(chat.id, "user", "q")
    answer = store.add_message(chat.id, "assistant", "a1")
    other = store.add_sibling(answer.id, "", status="partial", model="m")
    assert store.path(chat.id)[-1].id == other.id
    assert store.path(chat.id)[-1].role == "assistant"


@pytest.mark.parametrize("query", ["LANDLORD", "ndlor", "Wärme", "100%", 'say "hi"', "東京都"])
def test_searching_finds_text_anywhere_in_a_message(store, query):
    chat, other = store.create("one"), store.create("two")
    store.add_message(chat.id, "user", 'A letter to the landlord: wärme at 100% and say "hi" in 東京都')
    store.add_message(other.id, "user", "nothing of the kind")
    found = store.chats(query)
    assert [item.id for item in found] == [chat.id]
    assert found[0].excerpt


def test_searching_finds_titles_even_by_one_letter(store):
    chat = store.create("Über Zebras")
    store.create("Other")
    assert [item.id for item in store.chats("ü")] == [chat.id]


def test_searching_works_without_an_index(store):
    chat = store.create("one")
    store.add_message(chat.id, "user", "a letter to the Landlord")
    store._indexed = False
    assert [item.id for item in store.chats("landlord")] == [chat.id]


def test_a_continued_answer_is_found_by_its_new_words_only_once(store):
    chat = store.create()
    answer = store.add_message(chat.id, "assistant", "", status="partial")
    store.append_text(answer.id, "beginning")
    store.finish_message(answer.id, "stopped")
    store.continue_message(answer.id)
    store.append_text(answer.id, " and ending")
    store.finish_message(answer.id)
    assert store._db.execute("SELECT count(*) FROM message_text WHERE message_text MATCH 'ginning'").fetchone()[0] == 1
    assert len(store.chats("and ending")) == 1


def test_an_unknown_id_is_an_error(store):
    for call in (store.get, store.path, store.message, store.siblings, store.switch_branch, store.delete):
        with pytest.raises(KeyError):
            call("no-such-id")
    with pytest.raises(KeyError):
        store.append_text("no-such-id", "x")


def test_an_answer_cut_off_by_a_crash_is_interrupted_with_its_text(store, file):
    chat = store.create()
    answer = store.add_message(chat.id, "assistant", "", status="partial")
    store.append_text(answer.id, "half an answ")
    again = reopened(store, file)
    kept = again.message(answer.id)
    assert (kept.content, kept.status) == ("half an answ", "interrupted")
    assert len(again.chats("half an")) == 1
    again.close()


WRITER = """
import sys
from pathlib import Path
from app.conversations import ConversationStore
store = ConversationStore(Path(sys.argv[1]))
chat = store.create("killed")
answer = store.add_message(chat.id, "assistant", "", status="partial")
for number in range(1_000_000):
    store.append_text(answer.id, f"{number} ")
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_what_was_appended_survives_a_kill(file):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(writer.stdout.readline()) for _ in range(20)][-1]
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    store = ConversationStore(file)
    (found,) = store.chats()
    (answer,) = store.path(found.id)
    assert answer.status == "interrupted"
    assert answer.content.startswith("".join(f"{number} " for number in range(acknowledged + 1)))
    store.close()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A store of 2,000 chats with four messages each."""
    store = ConversationStore(tmp_path_factory.mktemp("crowded") / "conversations.db")
    store._db.execute("PRAGMA synchronous = OFF")
    words = [f"w{number * 7919 % 5003:x}ord" for number in range(3000)]
    for number in range(2000):
        chat = store.create(f"Chat {number}")
        for turn in range(4):
            text = " ".join(words[(number * 31 + turn * 17 + step * 101) % 3000] for step in range(60))
            store.add_message(chat.id, "user" if turn % 2 == 0 else "assistant", text)
    store._db.execute("PRAGMA synchronous = FULL")
    yield store
    store.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "work",
    [
        lambda store, chat, answer: store.chats(),
        lambda store, chat, answer: store.chats("w3e7ord"),
        lambda store, chat, answer: store.chats("ord w"),
        lambda store, chat, answer: store.chats("Chat 19"),
        lambda store, chat, answer: store.path(chat.id),
        lambda store, chat, answer: store.add_message(chat.id, "user", "hello " * 200),
        lambda store, chat, answer: store.append_text(answer.id, "some more words"),
        lambda store, chat, answer: store.set_draft(chat.id, "draft " * 100),
        lambda store, chat, answer: store.rename(chat.id, "other"),
        lambda store, chat, answer: (store.delete(chat.id), store.restore(chat.id)),
    ],
    ids=["list", "word", "common", "title", "path", "add", "append", "draft", "rename", "delete"],
)
def test_no_call_is_felt_among_two_thousand_chats(crowded, work):
    chat = crowded.get(crowded.chats()[7].id)
    answer = crowded.add_message(chat.id, "assistant", "word " * 2000, status="partial")
    spent = []
    for _ in range(5):
        start = time.process_time()
        work(crowded, chat, answer)
        spent.append(time.process_time() - start)
    assert min(spent) < LIMIT_S


def test_a_full_disk_is_said_and_nothing_is_lost(store):
    chat = store.create("a")
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full"):
        store.add_message(chat.id, "user", "x" * 1_000_000)
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert store.path(chat.id) == []
    store.add_message(chat.id, "user", "now it fits")
    assert [message.content for message in store.path(chat.id)] == ["now it fits"]


def test_two_stores_on_one_file_see_each_other(store, file):
    other = ConversationStore(file)
    chat = store.create("shared")
    other.rename(chat.id, "renamed")
    assert store.get(chat.id).title == "renamed"
    other.close()


def test_a_file_held_by_another_program_is_said(store, file):
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="Another program"):
        store.create("a")
    other.execute("ROLLBACK")
    other.close()
    assert store.create("a").title == "a"


def picture(colour: str) -> Picture:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return picture_of(image, f"{colour}.png")


def test_a_message_keeps_its_pictures_in_their_order(store, file):
    chat = store.create().id
    pictures = (picture("teal"), picture("coral"))
    message = store.add_message(chat, "user", "look", pictures=pictures)
    assert message.pictures == store.path(chat)[0].pictures == pictures
    assert store.add_sibling(message.id, "look again").pictures == pictures
    assert store._db.execute("SELECT count(*) FROM picture").fetchone()[0] == 2


def test_a_purge_removes_the_pictures_that_nothing_shows_any_more(store):
    kept, gone = store.create().id, store.create().id
    store.add_message(kept, "user", "a", pictures=(picture("teal"),))
    store.add_message(gone, "user", "b", pictures=(picture("teal"), picture("coral")))
    store.delete(gone)
    store.purge()
    assert store.path(kept)[0].pictures == (picture("teal"),)
    assert store._db.execute("SELECT count(*) FROM picture").fetchone()[0] == 1
