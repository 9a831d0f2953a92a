"""What was asked of the models and how it went: rows in SQLite, written in the background.

Recording never delays an answer and never fails one: a row is written as soon as the database is free, and rows that
come meanwhile are written together. Texts are kept only while the settings say so. Who may see which rows is the
routes' matter.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable

import msgspec
from msgspec import Struct

from sidecar.config import Settings
from sidecar.db import Database
from sidecar.errors import InglenookError
from sidecar.types import HistoryEntry, HistoryPage

log = logging.getLogger(__name__)

PAUSE_S = 0.1  # between writes under load, so that they are few
KEPT_UNWRITTEN = 10_000
DAY_S = 86_400.0
PURGE_EVERY_S = 3600.0
_COLUMNS = [name for name in HistoryEntry.__struct_fields__ if name != "id"]
_INSERT = f"INSERT INTO history ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - own names


class HistoryFilter(Struct, frozen=True):
    """Which rows. Times in Unix seconds, `since` included and `until` not; None does not filter."""

    model: str | None = None
    kind: str | None = None
    key: str | None = None
    since: float | None = None
    until: float | None = None
    errors_only: bool = False

    def where(self) -> tuple[str, list[object]]:
        """The condition and its parameters."""
        conditions: list[tuple[str, object]] = [
            (f"{column} = ?", value)
            for column, value in (("model", self.model), ("kind", self.kind), ("key", self.key))
            if value is not None
        ]
        if self.since is not None:
            conditions.append(("time >= ?", self.since))
        if self.until is not None:
            conditions.append(("time < ?", self.until))
        if self.errors_only:
            conditions.append(("outcome = ?", "error"))
        return " AND ".join(condition for condition, _ in conditions) or "1", [value for _, value in conditions]


ALL = HistoryFilter()


class History:
    """The one writer of the table. `settings()` gives those in force."""

    def __init__(self, database: Database, settings: Callable[[], Settings]) -> None:
        self._database = database
        self._settings = settings
        self._unwritten: deque[HistoryEntry] = deque(maxlen=KEPT_UNWRITTEN)
        self._writing: asyncio.Task[None] | None = None
        self._purged_at: float | None = None
        self._lock = asyncio.Lock()

    def record(self, entry: HistoryEntry) -> None:
        """Take one row (its id is ignored) to be written in the background. Nothing is kept while the history is off."""
        settings = self._settings()
        if not settings.history:
            return
        if not settings.history_texts:
            entry = msgspec.structs.replace(entry, input_text=None, output_text=None)
        self._unwritten.append(entry)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="history")

    async def page(self, which: HistoryFilter = ALL, *, limit: int = 100, before: int | None = None) -> HistoryPage:
        """The newest rows first, those with an id below `before`. `total` counts all that match, whatever the page."""
        await self.flush()
        condition, values = which.where()

        def read(connection: sqlite3.Connection) -> tuple[list[sqlite3.Row], int]:
            (total,) = connection.execute(f"SELECT count(*) FROM history WHERE {condition}", values).fetchone()  # noqa: S608
            rows = connection.execute(
                f"SELECT * FROM history WHERE {condition} AND id < ? ORDER BY id DESC LIMIT ?",  # noqa: S608
                [*values, 1 << 62 if before is None else before, limit + 1],
            ).fetchall()
            return rows, total

        rows, total = await self._database.run(read)
        entries = [HistoryEntry(**dict(row)) for row in rows[:limit]]
        return HistoryPage(entries, total, entries[-1].id if len(rows) > limit else None)

    async def delete(self, which: HistoryFilter = ALL) -> int:
        """Delete what matches; returns how many rows."""
        await self.flush()
        condition, values = which.where()
        statement = f"DELETE FROM history WHERE {condition}"  # noqa: S608
        return await self._database.run(lambda connection: connection.execute(statement, values).rowcount)

    async def flush(self) -> None:
        """Write what was recorded until now. Raises DatabaseUnusable, DiskFull; the rows are then kept for another try."""
        # A caller that goes away must not stop a write halfway: its rows would be written twice.
        await asyncio.shield(asyncio.create_task(self._flush(), name="history flush"))

    async def _flush(self) -> None:
        async with self._lock:
            batch = list(self._unwritten)
            if not batch:
                return
            rows = [tuple(getattr(entry, column) for column in _COLUMNS) for entry in batch]
            await self._database.run(lambda connection: connection.executemany(_INSERT, rows))
            for _ in range(min(len(batch), len(self._unwritten))):
                self._unwritten.popleft()

    async def purge_old(self) -> int:
        """Delete rows older than `history_days`; returns how many."""
        days = self._settings().history_days
        return await self.delete(HistoryFilter(until=time.time() - days * DAY_S)) if days else 0

    async def close(self) -> None:
        """Write what is left."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        if self._unwritten:
            await self._write_all()

    async def _write_all(self) -> None:
        try:
            while self._unwritten:
                await self.flush()
                await asyncio.sleep(PAUSE_S)
            await self._purge_now_and_then()
        except InglenookError as error:  # tried again with the next row
            log.warning("the history could not be written and is kept in memory: %s", error.message)

    async def _purge_now_and_then(self) -> None:
        if self._purged_at is None or time.monotonic() - self._purged_at > PURGE_EVERY_S:
            self._purged_at = time.monotonic()
            await self.purge_old()
