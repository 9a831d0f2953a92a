"""The file of the chats: damage, versions, folders."""

import sqlite3

import pytest

from app.conversation_database import MIGRATIONS, open_database
from app.conversations import ConversationStore, StoreError


@pytest.fixture
def file(tmp_path):
    return tmp_path / "chats" / "conversations.db"


def filled(file) -> None:
    store = ConversationStore(file)
    for number in range(200):
        chat = store.create(f"Chat {number}")
        store.add_message(chat.id, "user", f"text {number} " * 20)
    store.close()


def test_a_new_file_has_the_latest_version(file):
    connection, moved = open_database(file)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert moved is None
    connection.close()


def test_opening_again_changes_nothing(file):
    filled(file)
    store = ConversationStore(file)
    assert len(store.chats()) == 200
    assert store.set_aside is None
    store.close()


@pytest.mark.parametrize("damage", ["rubbish", "middle", "empty pages"])
def test_a_damaged_file_is_set_aside_and_reported(file, damage):
    filled(file)
    content = bytearray(file.read_bytes())
    if damage == "rubbish":
        content = bytearray(b"this is no database" * 500)
    elif damage == "middle":
        content[8192:40960] = b"\xa5" * (40960 - 8192)
    else:
        content[4096:] = b"\0" * (len(content) - 4096)
    file.write_bytes(content)
    store = ConversationStore(file)
    assert store.set_aside is not None
    assert ".damaged-" in store.set_aside.name
    assert store.set_aside.read_bytes() == bytes(content)
    assert store.chats() == []
    store.create("a new beginning")
    store.close()


def test_a_file_of_a_newer_version_is_left_alone(file):
    filled(file)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreError, match="newer"):
        ConversationStore(file)
    assert [path.name for path in file.parent.iterdir() if "damaged" in path.name] == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be used"):
        ConversationStore(tmp_path / "taken" / "conversations.db")


def test_a_folder_in_place_of_the_file_is_said(tmp_path):
    (tmp_path / "conversations.db").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        ConversationStore(tmp_path / "conversations.db")


def test_an_older_file_is_brought_up_to_date(file):
    file.parent.mkdir()
    connection = sqlite3.connect(file, isolation_level=None)
    MIGRATIONS[0](connection)
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    store = ConversationStore(file)
    chat = store.create("after")
    store.add_message(chat.id, "user", "findable words")
    assert len(store.chats("findable")) == 1
    store.close()
