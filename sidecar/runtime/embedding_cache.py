"""Vectors of texts that were embedded before, in memory and if wanted on disk. It knows no model: a scope names all that
makes a vector what it is (version, engine, normalising, dimensions), and the text's hash the rest.

Entries end after their time, the least recently used first where there are too many. Vectors are kept as bytes.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from msgspec import Struct

from sidecar.config import Settings
from sidecar.db import Database

Clock = Callable[[], float]
SQL_VARIABLES = 500  # keys that one look-up names


class Entry(Struct, frozen=True):
    vector: bytes
    expires_at: float


class EmbeddingCache:
    """`settings()` gives those in force. The clock counts Unix seconds, since entries on disk outlive the process."""

    def __init__(self, database: Database, settings: Callable[[], Settings], clock: Clock = time.time) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()

    @property
    def enabled(self) -> bool:
        return self._settings().embedding_cache_entries > 0 and self._settings().embedding_cache_s > 0

    async def find(self, scope: str, texts: Iterable[str]) -> dict[str, bytes]:
        """The vectors that are known, by text."""
        if not self.enabled:
            return {}
        keys = {text: _key(scope, text) for text in dict.fromkeys(texts)}
        found = {text: vector for text, key in keys.items() if (vector := self._recent(key)) is not None}
        missing = {key: text for text, key in keys.items() if text not in found}
        if missing and self._settings().embedding_cache_disk:
            for key, entry in await self._on_disk(list(missing)):
                self._put(key, entry)
                found[missing[key]] = entry.vector
        return found

    async def keep(self, scope: str, vectors: dict[str, bytes]) -> None:
        """Remember vectors by text."""
        if not self.enabled:
            return
        expires_at = self._clock() + self._settings().embedding_cache_s
        entries = {_key(scope, text): Entry(vector, expires_at) for text, vector in vectors.items()}
        for key, entry in entries.items():
            self._put(key, entry)
        if self._settings().embedding_cache_disk:
            await self._write(entries)

    def _recent(self, key: bytes) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires_at <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry.vector

    def _put(self, key: bytes, entry: Entry) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > self._settings().embedding_cache_entries:
            self._entries.popitem(last=False)

    async def _on_disk(self, keys: list[bytes]) -> list[tuple[bytes, Entry]]:
        now = self._clock()
        rows = await self._database.run(lambda connection: _select(connection, keys, now))
        return [(row["key"], Entry(row["vector"], row["expires_at"])) for row in rows]

    async def _write(self, entries: dict[bytes, Entry]) -> None:
        rows = [(key, entry.vector, entry.expires_at) for key, entry in entries.items()]
        most, now = self._settings().embedding_cache_entries, self._clock()

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", rows)
            connection.execute("DELETE FROM embeddings WHERE expires_at <= ?", (now,))
            connection.execute(
                "DELETE FROM embeddings WHERE key IN"
                " (SELECT key FROM embeddings ORDER BY expires_at DESC LIMIT -1 OFFSET ?)",
                (most,),
            )

        await self._database.run(write)


def _select(connection: sqlite3.Connection, keys: list[bytes], now: float) -> list[sqlite3.Row]:
    rows: list[sqlite3.Row] = []
    for start in range(0, len(keys), SQL_VARIABLES):
        part = keys[start : start + SQL_VARIABLES]
        marks = ",".join("?" * len(part))
        statement = f"SELECT * FROM embeddings WHERE expires_at > ? AND key IN ({marks})"  # noqa: S608 - question marks
        rows += connection.execute(statement, (now, *part)).fetchall()
    return rows


def _key(scope: str, text: str) -> bytes:
    return hashlib.sha256(f"{scope}\0{text}".encode("utf-8", "surrogatepass")).digest()
