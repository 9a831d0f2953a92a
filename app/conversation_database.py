"""The SQLite file of the chats: opening it, bringing its tables up to date, setting a damaged one aside.

Knows tables, not what is done with them; that is app/conversations.py.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app import conversation_pictures

BUSY_S = 0.5  # the window is the only writer; a short wait covers a checkpoint of a second process
SIDE_FILES = ("-wal", "-shm")


class StoreError(Exception):
    """The chats cannot be read or written just now; the message says why and what to do. Nothing stored is lost."""


def open_database(path: Path) -> tuple[sqlite3.Connection, Path | None]:
    """Open or create the file at `path`.

    Returns the connection and, if what lay there was damaged, the path it was moved to; the chats then begin empty.
    Raises StoreError for a folder that cannot be written and for a file of a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _opened(path), None
    except sqlite3.OperationalError as error:
        raise StoreError(_explain(error, path)) from error
    except OSError as error:
        raise StoreError(f"The folder {path.parent} cannot be used for the chats: {error.strerror}.") from error
    except sqlite3.DatabaseError:
        moved = _set_aside(path)
        return _opened(path), moved


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One short write: committed as a whole or not at all. Raises StoreError for a full disk and the like."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        _roll_back(connection)
        raise StoreError(_explain(error, Path("the chats' file"))) from error
    except BaseException:
        _roll_back(connection)
        raise


def has_full_text(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite can search texts by an index (FTS5 with the trigram tokenizer)."""
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.probe USING fts5(text, tokenize='trigram')")
        connection.execute("DROP TABLE temp.probe")
    except sqlite3.OperationalError:
        return False
    return True


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # what was said to be saved survives a power cut
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("folded", 1, _folded, deterministic=True)
    if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("the file is damaged")
    _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise StoreError("The chats were written by a newer Inglenook. Update this one to open them.")
    for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
        with transaction(connection):
            migration(connection)
            connection.execute(f"PRAGMA user_version = {number}")


def _set_aside(path: Path) -> Path:
    """Move a damaged file and its companions out of the way, under a name that says so."""
    moved = path.with_name(f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    path.rename(moved)
    for ending in SIDE_FILES:
        companion = path.with_name(path.name + ending)
        if companion.exists():
            companion.rename(moved.with_name(moved.name + ending))
    return moved


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _explain(error: sqlite3.OperationalError, path: Path) -> str:
    text = str(error)
    if "full" in text:
        return "The disk is full, so the chat cannot be saved. Free some space; nothing saved so far is lost."
    if "readonly" in text or "unable to open" in text:
        return f"{path} cannot be written. Check its folder's permissions."
    if "locked" in text:
        return "Another program holds the chats' file. Close it and try again."
    return f"The chats' file cannot be used: {text}."


def _folded(text: str | None) -> str:
    return (text or "").casefold()


def _create_tables(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE conversation (
            id TEXT PRIMARY KEY, title TEXT NOT NULL, model TEXT NOT NULL, system_prompt TEXT NOT NULL,
            sampling TEXT NOT NULL, pinned INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, updated REAL NOT NULL,
            deleted_at REAL, draft TEXT NOT NULL DEFAULT '', active_leaf TEXT)"""
    )
    connection.execute(
        """CREATE TABLE message (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
            conversation_id TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
            parent_id TEXT, role TEXT NOT NULL, content TEXT NOT NULL, status TEXT NOT NULL, model TEXT NOT NULL,
            facts TEXT NOT NULL, created REAL NOT NULL)"""
    )
    connection.execute("CREATE INDEX message_tree ON message (conversation_id, parent_id)")
    connection.execute("CREATE INDEX message_partial ON message (status) WHERE status = 'partial'")
    connection.execute("CREATE INDEX conversation_order ON conversation (deleted_at, pinned DESC, updated DESC)")


def _create_search_index(connection: sqlite3.Connection) -> None:
    if has_full_text(connection):
        connection.execute(
            "CREATE VIRTUAL TABLE message_text USING fts5(content, content='message', content_rowid='number',"
            " tokenize='trigram')"
        )


MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [
    _create_tables,
    _create_search_index,
    conversation_pictures.create_tables,
]
