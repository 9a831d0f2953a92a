"""The downloads in the database: what was asked for and how it stood, so that a restart goes on where it was."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from sidecar import decoding
from sidecar.db import Database
from sidecar.types import DownloadInfo, DownloadRequest


class Row(Struct, frozen=True):
    request: DownloadRequest
    info: DownloadInfo


class DownloadStore:
    """Rows by id. Raises DatabaseUnusable, DiskFull."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[Row]:
        """Every download, the oldest first."""
        rows = await self._database.run(
            lambda connection: connection.execute("SELECT request, info FROM downloads ORDER BY created_at").fetchall()
        )
        return [_row(row["request"], row["info"]) for row in rows]

    async def save(self, row: Row) -> None:
        info = row.info
        values = (
            info.job_id,
            info.created_at,
            info.state,
            msgspec.json.encode(row.request).decode(),
            msgspec.json.encode(info).decode(),
        )
        await self._database.run(lambda c: c.execute("INSERT OR REPLACE INTO downloads VALUES (?, ?, ?, ?, ?)", values))

    async def forget(self, job_id: str) -> None:
        await self._database.run(lambda c: c.execute("DELETE FROM downloads WHERE id = ?", (job_id,)))


def _row(request: str, info: str) -> Row:
    return Row(decoding.from_json(request, DownloadRequest), decoding.from_json(info, DownloadInfo))
