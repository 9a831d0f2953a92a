"""SQLite for the service: one file, one connection, one thread that owns it, WAL.

Everything that touches the database is a small function `(connection) -> value` handed to `run`; each is one
transaction. A damaged file is set aside under a name that says so, and the caller is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sidecar.errors import DatabaseUnusable, DiskFull
from sidecar.migrations import migrate

T = TypeVar("T")
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}


class Database:
    """The one owner of the connection. `set_aside` names the damaged file that was moved away on opening, if any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_aside: Path | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._connection: sqlite3.Connection | None = None

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open and migrate. Raises DatabaseUnusable when the folder is read-only, DiskFull when there is no room."""
        database = cls(path)
        try:
            await database._in_thread(database._open)
        except BaseException:
            database._thread.shutdown(wait=False)
            raise
        return database

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` as one transaction in the database's thread. Raises DatabaseUnusable, DiskFull."""
        return await self._in_thread(lambda: self._transaction(work))

    async def close(self) -> None:
        """Finish what is queued and close. Safe to call twice."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._in_thread(connection.close)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> DatabaseUnusable | DiskFull:
        if getattr(error, "sqlite_errorcode", None) in _FULL:
            return DiskFull(path=str(self.path))
        return DatabaseUnusable(path=str(self.path), reason=str(error))

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            raise sqlite3.ProgrammingError("the database is closed")
        with self._connection as connection:
            return work(connection)

    def _open(self) -> None:
        try:
            self._connection = _connect(self.path)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
                raise
            self.set_aside = _move_away(self.path)
            self._connection = _connect(self.path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA quick_check(1)")
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _move_away(path: Path) -> Path:
    """Keep a damaged file, and its journal, under a name with the time in it."""
    target = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    path.replace(target)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(target.with_name(target.name + suffix))
    return target
