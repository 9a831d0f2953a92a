"""The database's shape, as an ordered list of small functions. Each runs once; `user_version` counts them."""

from __future__ import annotations

import sqlite3


def _models_and_history(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE models (
            id TEXT PRIMARY KEY,
            model_type TEXT NOT NULL,
            path TEXT NOT NULL,
            engine TEXT NOT NULL,
            options TEXT NOT NULL,        -- JSON: device, num_workers, keep_alive, pinned, generation defaults
            facts TEXT,                   -- JSON: what the last load taught; NULL before the first
            created_at REAL NOT NULL,
            last_used_at REAL
        )"""
    )
    connection.execute(
        """
        CREATE TABLE history (
            id INTEGER PRIMARY KEY,
            time REAL NOT NULL,
            model TEXT NOT NULL,
            version TEXT NOT NULL,
            kind TEXT NOT NULL,           -- generate, classify, translate, embed
            key TEXT NOT NULL,            -- whose key; 'owner' for the owner's token, 'local' without keys
            outcome TEXT NOT NULL,        -- ok, cancelled, error
            inputs INTEGER NOT NULL,
            prompt_tokens INTEGER NOT NULL,
            completion_tokens INTEGER NOT NULL,
            queue_ms REAL NOT NULL,
            total_ms REAL NOT NULL,
            error_code TEXT,
            error_message TEXT,
            input_text TEXT,              -- only while history_texts is on
            output_text TEXT
        )"""
    )
    connection.execute("CREATE INDEX history_by_time ON history (time)")
    connection.execute("CREATE INDEX history_by_model ON history (model, time)")


def _embeddings(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE embeddings (         -- the cache's tier on disk, empty unless embedding_cache_disk is on
            key BLOB PRIMARY KEY,         -- SHA-256 of what makes the vector what it is, and of the text
            vector BLOB NOT NULL,         -- float32 in the machine's byte order
            expires_at REAL NOT NULL
        ) WITHOUT ROWID"""
    )
    connection.execute("CREATE INDEX embeddings_by_time ON embeddings (expires_at)")


def _observations(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE observations (
            id INTEGER PRIMARY KEY,
            time REAL NOT NULL,
            model TEXT NOT NULL,
            version TEXT NOT NULL,
            precision TEXT NOT NULL,
            kind TEXT NOT NULL,           -- load, generate, classify, translate, embed
            inputs INTEGER NOT NULL,
            prompt_tokens INTEGER NOT NULL,
            completion_tokens INTEGER NOT NULL,
            first_s REAL,                 -- loading into a process; until the first token; the whole request of a model that reads
            rest_s REAL,                  -- until there was a process to load into; from the first token to the last
            memory_bytes INTEGER,         -- right after loading
            cached_share REAL             -- of the files, when loading began
        )"""
    )
    connection.execute("CREATE INDEX observations_by_model ON observations (model, kind)")


def _downloads(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE downloads (
            id TEXT PRIMARY KEY,
            created_at REAL NOT NULL,
            state TEXT NOT NULL,
            request TEXT NOT NULL,        -- JSON: what was asked for
            info TEXT NOT NULL            -- JSON: how it stood at its last change; how much of a file is here, the disk knows
        )"""
    )


def _rounded_before(connection: sqlite3.Connection) -> None:
    """Of a load: whether an earlier one had kept the rounded weights, so that they were neither rounded nor tried again."""
    connection.execute("ALTER TABLE observations ADD COLUMN rounded_before INTEGER NOT NULL DEFAULT 0")


def _origins(connection: sqlite3.Connection) -> None:
    """How each model came here. Of those known already it is told by where they lie; in doubt their files are not ours."""
    connection.execute("ALTER TABLE models ADD COLUMN origin TEXT NOT NULL DEFAULT 'in_place'")
    folder_of_commit = "*--*[/\\]" + "[0-9a-f]" * 12 + "*"
    kinds = [("builtin", "builtin:*"), ("downloaded", folder_of_commit), ("hub_cache", "*[/\\]models--*[/\\][sb][nl]*")]
    connection.executemany("UPDATE models SET origin = ? WHERE path GLOB ?", kinds)


def _engine_of_runs(connection: sqlite3.Connection) -> None:
    """Of which engine a run was, nobody noted before: such runs go."""
    connection.execute("DELETE FROM observations")
    connection.execute("ALTER TABLE observations ADD COLUMN engine TEXT NOT NULL DEFAULT ''")


def _contents(connection: sqlite3.Connection) -> None:
    connection.execute(
        """
        CREATE TABLE contents (           -- also of models that went: what lies there again may be something else
            path TEXT PRIMARY KEY,
            contents TEXT NOT NULL        -- JSON: sizes and times of the files, their hash, which edition they are
        ) WITHOUT ROWID"""
    )


MIGRATIONS = [
    _models_and_history,
    _embeddings,
    _observations,
    _rounded_before,
    _downloads,
    _origins,
    _engine_of_runs,
    _contents,
]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest shape. Raises sqlite3.DatabaseError when a newer program wrote it."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise sqlite3.OperationalError(
            f"a newer Inglenook wrote it (shape {version}, this one knows {len(MIGRATIONS)})"
        )
    for number, step in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            step(connection)
            connection.execute(f"PRAGMA user_version = {number}")
