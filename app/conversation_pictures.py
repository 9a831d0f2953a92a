"""The pictures of messages in the chats' file: each content once, however many versions of a question show it.

Works on a connection that app/conversations.py owns, inside its transactions.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from app.pictures import Picture

OF_MESSAGES = """
    SELECT message_id, name, kind, width, height, content FROM message_picture JOIN picture ON picture.id = picture_id
    WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY message_id, place
"""


def create_tables(connection: sqlite3.Connection) -> None:
    """The migration that made room for pictures."""
    connection.execute(
        """CREATE TABLE picture (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
            content BLOB NOT NULL)"""
    )
    connection.execute(
        """CREATE TABLE message_picture (
            message_id TEXT NOT NULL REFERENCES message (id) ON DELETE CASCADE, place INTEGER NOT NULL,
            name TEXT NOT NULL, picture_id TEXT NOT NULL REFERENCES picture (id), PRIMARY KEY (message_id, place))"""
    )
    connection.execute("CREATE INDEX picture_use ON message_picture (picture_id)")


def add(connection: sqlite3.Connection, message_id: str, pictures: Sequence[Picture]) -> None:
    """Let a message show these pictures."""
    connection.executemany(
        "INSERT OR IGNORE INTO picture (id, kind, width, height, content) VALUES (?, ?, ?, ?, ?)",
        [(one.id, one.kind, one.width, one.height, one.content) for one in pictures],
    )
    connection.executemany(
        "INSERT INTO message_picture (message_id, place, name, picture_id) VALUES (?, ?, ?, ?)",
        [(message_id, place, one.name, one.id) for place, one in enumerate(pictures)],
    )


def of_messages(connection: sqlite3.Connection, message_ids: Iterable[str]) -> dict[str, tuple[Picture, ...]]:
    """The pictures of those messages that have any, in their order."""
    found: dict[str, tuple[Picture, ...]] = {}
    for row in connection.execute(OF_MESSAGES, (json.dumps(list(message_ids)),)):
        picture = Picture(row["name"], row["kind"], row["width"], row["height"], row["content"])
        found[row["message_id"]] = (*found.get(row["message_id"], ()), picture)
    return found


def drop_unused(connection: sqlite3.Connection) -> None:
    """Remove the contents that no message shows any more."""
    connection.execute("DELETE FROM picture WHERE id NOT IN (SELECT picture_id FROM message_picture)")
