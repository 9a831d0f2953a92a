"""Chats on disk. Every change is written before the call returns, so that no crash loses what was said.

Calls are synchronous and short (well under 50 ms with thousands of chats), so the window makes them directly.
Does not stream, render or know models: `app/views/chat` does.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from app import conversation_pictures
from app.conversation_database import StoreError, open_database, transaction
from app.pictures import Picture

__all__ = ["ChatSummary", "Conversation", "ConversationStore", "Message", "Role", "Status", "StoreError"]

Role = Literal["user", "assistant", "system"]
Status = Literal["done", "partial", "stopped", "error", "interrupted"]

MAX_MATCHES = 300  # a search looks at so many matching messages, the latest first
TRIGRAM = 3  # the text index knows runs of three characters; shorter queries look at titles only

SEARCH_INDEX = """
    SELECT message.conversation_id, snippet(message_text, 0, '', '', '…', 60) AS excerpt
    FROM message_text JOIN message ON message.number = message_text.rowid
    WHERE message_text MATCH ? ORDER BY message_text.rowid DESC LIMIT ?
"""
SEARCH_TEXT = """
    SELECT conversation_id, substr(content, 1, 80) AS excerpt
    FROM message WHERE instr(folded(content), ?) > 0 ORDER BY number DESC LIMIT ?
"""


@dataclass(frozen=True)
class Conversation:
    """A chat without its messages. Times are Unix seconds; `sampling` is free JSON; `active_leaf` ends its shown path."""

    id: str
    title: str
    model: str
    system_prompt: str
    sampling: dict[str, object]
    pinned: bool
    created: float
    updated: float
    draft: str
    active_leaf: str | None


@dataclass(frozen=True)
class Message:
    """One message of the tree. `status` is partial while it streams; `facts` holds usage and timings as free JSON."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    content: str
    status: Status
    model: str
    created: float
    facts: dict[str, object] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class ChatSummary:
    """A chat in a list; `excerpt` is the text a search found in its messages, else empty."""

    id: str
    title: str
    model: str
    updated: float
    pinned: bool
    excerpt: str = ""


class ConversationStore:
    """All chats of this machine's user, in one SQLite file.

    `set_aside` is where a damaged file was moved when the store was opened, else None: tell the person.
    Methods raise KeyError for an unknown id and StoreError when the file cannot be written just now.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Open or create the file. Answers that a crash left unfinished become "interrupted"; their text stays."""
        self._clock = clock
        self._db, self.set_aside = open_database(path)
        self._indexed = self._has_table("message_text")
        self._mark_interrupted()

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        self._db.close()

    # Conversations

    def create(
        self, title: str = "", model: str = "", system_prompt: str = "", sampling: dict[str, object] | None = None
    ) -> Conversation:
        """Begin a chat."""
        chat_id, now = _new_id(), self._clock()
        with transaction(self._db) as db:
            db.execute(
                "INSERT INTO conversation (id, title, model, system_prompt, sampling, created, updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (chat_id, title, model, system_prompt, json.dumps(sampling or {}), now, now),
            )
        return self.get(chat_id)

    def get(self, chat_id: str) -> Conversation:
        """A chat by id, deleted or not."""
        return _conversation(self._one("SELECT * FROM conversation WHERE id = ?", chat_id))

    def chats(self, query: str = "") -> list[ChatSummary]:
        """Chats that are not deleted, pinned first, then the latest first.

        With `query`, those whose title contains it or, from TRIGRAM characters on, one of whose latest messages does.
        """
        query = query.strip()
        excerpts = self._excerpts(query)
        rows = self._db.execute(
            "SELECT id, title, model, updated, pinned FROM conversation WHERE deleted_at IS NULL"
            " AND (?1 = '' OR instr(folded(title), ?1) > 0 OR id IN (SELECT value FROM json_each(?2)))"
            " ORDER BY pinned DESC, updated DESC",
            (query.casefold(), json.dumps(list(excerpts))),
        )
        return [_summary(row, excerpts.get(row["id"], "")) for row in rows]

    def rename(self, chat_id: str, title: str) -> None:
        """Give a chat another title; its place in the list stays."""
        self._set(chat_id, "title", title)

    def set_pinned(self, chat_id: str, pinned: bool) -> None:
        """Pin a chat to the top of the list, or let it go."""
        self._set(chat_id, "pinned", int(pinned))

    def set_model(self, chat_id: str, model: str) -> None:
        """Remember which model answers in this chat."""
        self._set(chat_id, "model", model)

    def set_system_prompt(self, chat_id: str, system_prompt: str) -> None:
        """Remember the chat's system prompt."""
        self._set(chat_id, "system_prompt", system_prompt)

    def set_sampling(self, chat_id: str, sampling: dict[str, object]) -> None:
        """Remember the chat's sampling settings."""
        self._set(chat_id, "sampling", json.dumps(sampling))

    def set_draft(self, chat_id: str, draft: str) -> None:
        """Keep what is written but not sent."""
        self._set(chat_id, "draft", draft)

    def delete(self, chat_id: str) -> None:
        """Take a chat out of the list; `restore` brings it back until `purge`."""
        self._set(chat_id, "deleted_at", self._clock())

    def restore(self, chat_id: str) -> None:
        """Undo `delete`."""
        self._set(chat_id, "deleted_at", None)

    def purge(self, older_than_s: float = 0.0) -> int:
        """Remove for good what was deleted at least so many seconds ago; returns how many chats."""
        limit = self._clock() - older_than_s
        with transaction(self._db) as db:
            doomed = db.execute(
                "SELECT number FROM message JOIN conversation ON conversation.id = conversation_id"
                " WHERE deleted_at <= ?",
                (limit,),
            )
            for row in doomed.fetchall():
                self._unindex(row["number"])
            gone = db.execute("DELETE FROM conversation WHERE deleted_at <= ?", (limit,)).rowcount
            conversation_pictures.drop_unused(db)
            return gone

    # Messages

    def add_message(
        self,
        chat_id: str,
        role: Role,
        content: str,
        *,
        status: Status = "done",
        model: str = "",
        facts: dict[str, object] | None = None,
        pictures: Sequence[Picture] = (),
    ) -> Message:
        """Add a message after the active leaf and make it the new one. An answer begins as "partial" and empty."""
        return self._add(self.get(chat_id).active_leaf, chat_id, role, content, status, model, facts, pictures)

    def add_sibling(self, message_id: str, content: str, *, status: Status = "done", model: str = "") -> Message:
        """Add another version beside a message (edit and branch, regenerate) and make it the active leaf.

        It has the same pictures.
        """
        beside = self.message(message_id)
        return self._add(
            beside.parent_id, beside.conversation_id, beside.role, content, status, model, None, beside.pictures
        )

    def append_text(self, message_id: str, text: str) -> None:
        """Add streamed text. Each call reaches the disk, so collect a few hundred milliseconds' worth first."""
        with transaction(self._db) as db:
            changed = db.execute("UPDATE message SET content = content || ? WHERE id = ?", (text, message_id))
            _expect_one(changed, message_id)

    def finish_message(self, message_id: str, status: Status = "done", facts: dict[str, object] | None = None) -> None:
        """Say how an answer ended, with its usage and timings."""
        message = self.message(message_id)
        with transaction(self._db) as db:
            db.execute(
                "UPDATE message SET status = ?, facts = ? WHERE id = ?",
                (status, json.dumps(message.facts if facts is None else facts), message_id),
            )
            self._index(message_id)
            db.execute("UPDATE conversation SET updated = ? WHERE id = ?", (self._clock(), message.conversation_id))

    def continue_message(self, message_id: str) -> None:
        """Let a stopped or interrupted answer grow again."""
        row = self._one("SELECT number FROM message WHERE id = ?", message_id)
        with transaction(self._db) as db:
            self._unindex(row["number"])
            db.execute("UPDATE message SET status = 'partial' WHERE id = ?", (message_id,))

    def message(self, message_id: str) -> Message:
        """A message by id."""
        return self._messages([self._one("SELECT * FROM message WHERE id = ?", message_id)])[0]

    def path(self, chat_id: str) -> list[Message]:
        """The messages from the root to the active leaf, as they are shown and sent."""
        rows = self._db.execute(
            "WITH RECURSIVE line (id, depth) AS (SELECT ?, 0 UNION ALL SELECT message.parent_id, depth + 1"
            " FROM message JOIN line ON message.id = line.id WHERE message.parent_id IS NOT NULL)"
            " SELECT message.* FROM message JOIN line ON message.id = line.id ORDER BY depth DESC",
            (self.get(chat_id).active_leaf,),
        )
        return self._messages(rows)

    def siblings(self, message_id: str) -> list[str]:
        """The ids of all versions of a message, oldest first, itself among them."""
        message = self.message(message_id)
        rows = self._db.execute(
            "SELECT id FROM message WHERE conversation_id = ? AND parent_id IS ? ORDER BY number",
            (message.conversation_id, message.parent_id),
        )
        return [row["id"] for row in rows]

    def switch_branch(self, message_id: str) -> None:
        """Show the branch that goes through a message, down to its latest leaf."""
        leaf = self._db.execute(
            "WITH RECURSIVE below (id, number) AS (SELECT id, number FROM message WHERE id = ?1 UNION ALL"
            " SELECT message.id, message.number FROM message JOIN below ON message.parent_id = below.id)"
            " SELECT id FROM below ORDER BY number DESC LIMIT 1",
            (message_id,),
        ).fetchone()
        if leaf is None:
            raise KeyError(message_id)
        self._set(self.message(message_id).conversation_id, "active_leaf", leaf["id"])

    def all_messages(self, chat_id: str) -> list[Message]:
        """Every message of a chat on every branch, in the order written."""
        rows = self._db.execute("SELECT * FROM message WHERE conversation_id = ? ORDER BY number", (chat_id,))
        return self._messages(rows)

    def _add(
        self,
        parent_id: str | None,
        chat_id: str,
        role: Role,
        content: str,
        status: Status,
        model: str,
        facts: dict[str, object] | None,
        pictures: Sequence[Picture],
    ) -> Message:
        message_id, now = _new_id(), self._clock()
        with transaction(self._db) as db:
            db.execute(
                "INSERT INTO message (id, conversation_id, parent_id, role, content, status, model, facts, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (message_id, chat_id, parent_id, role, content, status, model, json.dumps(facts or {}), now),
            )
            conversation_pictures.add(db, message_id, pictures)
            db.execute("UPDATE conversation SET active_leaf = ?, updated = ? WHERE id = ?", (message_id, now, chat_id))
            if status != "partial":
                self._index(message_id)
        return self.message(message_id)

    def _messages(self, rows: Iterable[sqlite3.Row]) -> list[Message]:
        messages = [_message(row) for row in rows]
        pictures = conversation_pictures.of_messages(self._db, [message.id for message in messages])
        return [replace(message, pictures=pictures.get(message.id, ())) for message in messages]

    def _set(self, chat_id: str, column: str, value: object) -> None:
        with transaction(self._db) as db:
            changed = db.execute(f"UPDATE conversation SET {column} = ? WHERE id = ?", (value, chat_id))  # noqa: S608
            _expect_one(changed, chat_id)

    def _one(self, statement: str, wanted: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._db.execute(statement, (wanted,)).fetchone()
        if row is None:
            raise KeyError(wanted)
        return row

    def _mark_interrupted(self) -> None:
        partial = self._db.execute("SELECT id FROM message WHERE status = 'partial'").fetchall()
        if not partial:
            return
        with transaction(self._db) as db:
            db.execute("UPDATE message SET status = 'interrupted' WHERE status = 'partial'")
            for row in partial:
                self._index(row["id"])

    # Search

    def _has_table(self, name: str) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone() is not None

    def _index(self, message_id: str) -> None:
        """Make a finished message findable. Only finished ones: indexing a growing text again and again is dear."""
        if self._indexed:
            self._db.execute(
                "INSERT INTO message_text (rowid, content) SELECT number, content FROM message WHERE id = ?",
                (message_id,),
            )

    def _unindex(self, number: int) -> None:
        if self._indexed:
            self._db.execute(
                "INSERT INTO message_text (message_text, rowid, content)"
                " SELECT 'delete', number, content FROM message WHERE number = ? AND status != 'partial'",
                (number,),
            )

    def _excerpts(self, query: str) -> dict[str, str]:
        """For every chat with a message that contains `query`, a piece of the text around it."""
        if len(query) < TRIGRAM:
            return {}
        if self._indexed:
            rows = self._db.execute(SEARCH_INDEX, ('"' + query.replace('"', '""') + '"', MAX_MATCHES))
        else:
            rows = self._db.execute(SEARCH_TEXT, (query.casefold(), MAX_MATCHES))
        return {row["conversation_id"]: " ".join(row["excerpt"].split()) for row in rows}


def _new_id() -> str:
    return uuid.uuid4().hex


def _expect_one(cursor: sqlite3.Cursor, wanted: str) -> None:
    if cursor.rowcount != 1:
        raise KeyError(wanted)


def _conversation(row: sqlite3.Row) -> Conversation:
    return Conversation(
        id=row["id"],
        title=row["title"],
        model=row["model"],
        system_prompt=row["system_prompt"],
        sampling=json.loads(row["sampling"]),
        pinned=bool(row["pinned"]),
        created=row["created"],
        updated=row["updated"],
        draft=row["draft"],
        active_leaf=row["active_leaf"],
    )


def _summary(row: sqlite3.Row, excerpt: str) -> ChatSummary:
    return ChatSummary(row["id"], row["title"], row["model"], row["updated"], bool(row["pinned"]), excerpt)


def _message(row: sqlite3.Row) -> Message:
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        parent_id=row["parent_id"],
        role=row["role"],
        content=row["content"],
        status=row["status"],
        model=row["model"],
        created=row["created"],
        facts=json.loads(row["facts"]),
    )
