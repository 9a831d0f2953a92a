"""What real runs took: the latest of each model, kept in SQLite and mirrored in memory.

Facts only. What they say about a prediction is reckoned anew each time, so they stay true when the machine is measured
again or the arithmetic gets better. Only runs that had the machine to themselves are worth keeping; who adds them knows.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import defaultdict, deque
from typing import Literal

from msgspec import Struct

from sidecar.db import Database
from sidecar.errors import InglenookError

log = logging.getLogger(__name__)

KEPT = 15  # of each model and kind: enough for a median that forgets an older state of the machine
FLUSH_S = 1.0
Kind = Literal["load", "generate", "classify", "translate", "embed", "decide", "rerank"]


class Observation(Struct, frozen=True):
    """One run. The columns are explained in `migrations`; what a kind has not is 0 or None."""

    time: float
    model: str
    version: str
    engine: str
    precision: str
    kind: Kind
    inputs: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_s: float | None = None
    rest_s: float | None = None
    memory_bytes: int | None = None
    cached_share: float | None = None
    rounded_before: bool = False


_COLUMNS = Observation.__struct_fields__
_INSERT = f"INSERT INTO observations ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - own names
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM observations ORDER BY id"  # noqa: S608
_PRUNE = """
    DELETE FROM observations WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY model, kind ORDER BY id DESC) AS place FROM observations
        ) WHERE place > ?
    )"""


class Evidence:
    """The one writer of the table."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[tuple[str, Kind], deque[Observation]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._unwritten: deque[Observation] = deque(maxlen=1000)
        self._writing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read what earlier runs left."""
        for row in await self._database.run(lambda connection: connection.execute(_SELECT).fetchall()):
            self._keep(Observation(*row))

    def add(self, observation: Observation) -> None:
        """Take one run; it is written soon."""
        self._keep(observation)
        self._unwritten.append(observation)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_soon(), name="evidence")

    def of(self, model: str, version: str) -> list[Observation]:
        """The latest runs of these files, the oldest first of each kind."""
        kept = [one for (name, _), runs in self._kept.items() if name == model for one in runs]
        return [one for one in kept if one.version == version]

    async def forget(self, model: str) -> None:
        """A model that is removed takes its runs along."""
        self._unwritten = deque((one for one in self._unwritten if one.model != model), maxlen=1000)
        for key in [key for key in self._kept if key[0] == model]:
            del self._kept[key]
        await self._database.run(lambda c: c.execute("DELETE FROM observations WHERE model = ?", (model,)))

    async def close(self) -> None:
        """Write what is left."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait({self._writing})
        await self._write()

    def _keep(self, observation: Observation) -> None:
        self._kept[observation.model, observation.kind].append(observation)

    async def _write_soon(self) -> None:
        await asyncio.sleep(FLUSH_S)
        await self._write()

    async def _write(self) -> None:
        """What cannot be written is only lost to the next start: it is no reason to trouble anyone."""
        rows = [tuple(getattr(one, column) for column in _COLUMNS) for one in self._unwritten]
        self._unwritten.clear()
        if not rows:
            return

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_INSERT, rows)
            connection.execute(_PRUNE, (KEPT,))

        try:
            await self._database.run(write)
        except InglenookError as error:
            log.warning("what the latest runs took could not be kept: %s", error.message)
