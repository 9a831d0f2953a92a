from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.config import Settings
from sidecar.db import Database
from sidecar.errors import DatabaseUnusable
from sidecar.history import History, HistoryFilter
from sidecar.types import HistoryEntry


class Book:
    """A history with settings that a test may change."""

    def __init__(self, database: Database) -> None:
        self.settings = Settings(history_texts=True)
        self.database = database
        self.history = History(database, lambda: self.settings)

    def write(self, **fields: object) -> None:
        values: dict[str, object] = {
            "id": 0, "time": time.time(), "model": "m", "version": "v", "kind": "generate", "key": "owner",
            "outcome": "ok", "inputs": 1, "prompt_tokens": 2, "completion_tokens": 3, "queue_ms": 0.5, "total_ms": 9.5,
        }  # fmt: skip
        self.history.record(HistoryEntry(**{**values, **fields}))

    async def rows_on_disk(self) -> int:
        return await self.database.run(lambda c: c.execute("SELECT count(*) FROM history").fetchone()[0])


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    database = await Database.open(tmp_path / "test.db")
    book = Book(database)
    yield book
    await book.history.close()
    await database.close()


async def test_the_newest_come_first_and_pages_follow_by_id(book: Book) -> None:
    for number in range(5):
        book.write(inputs=number)
    first = await book.history.page(limit=2)
    second = await book.history.page(limit=2, before=first.next_before)
    third = await book.history.page(limit=2, before=second.next_before)
    assert [entry.inputs for page in (first, second, third) for entry in page.entries] == [4, 3, 2, 1, 0]
    assert (first.total, third.next_before) == (5, None)


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (HistoryFilter(model="b"), [1]),
        (HistoryFilter(kind="embed"), [2]),
        (HistoryFilter(key="guest"), [3]),
        (HistoryFilter(errors_only=True), [4]),
        (HistoryFilter(since=2000.0), [4, 3, 2]),
        (HistoryFilter(until=2000.0), [1, 0]),
        (HistoryFilter(model="a", since=2000.0, until=4000.0), [3, 2]),
    ],
)
async def test_rows_are_filtered(book: Book, which: HistoryFilter, expected: list[int]) -> None:
    for number, fields in enumerate([{}, {"model": "b"}, {"kind": "embed"}, {"key": "guest"}, {"outcome": "error"}]):
        book.write(**{"inputs": number, "time": 1000.0 * number, "model": "a", **fields})
    page = await book.history.page(which)
    assert [entry.inputs for entry in page.entries] == expected
    assert page.total == len(expected)


async def test_deleting_removes_what_matches_and_nothing_else(book: Book) -> None:
    book.write(model="a")
    book.write(model="b")
    assert await book.history.delete(HistoryFilter(model="a")) == 1
    assert [entry.model for entry in (await book.history.page()).entries] == ["b"]
    assert await book.history.delete() == 1


async def test_a_row_is_handed_to_the_database_at_once_so_that_a_kill_does_not_lose_it(book: Book) -> None:
    book.write()
    for _ in range(10):
        await asyncio.sleep(0)  # turns of the event loop, no time
    assert await book.rows_on_disk() == 1


async def test_rows_that_come_during_a_write_follow_it(book: Book) -> None:
    for _ in range(50):
        book.write()
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        while await book.rows_on_disk() < 50:  # noqa: ASYNC110 - the rows have no event
            await asyncio.sleep(0.01)


async def test_a_caller_that_goes_away_does_not_make_rows_twice(book: Book) -> None:
    book.write()
    reader = asyncio.create_task(book.history.page())
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.wait({reader})
    assert (await book.history.page()).total == 1


async def test_texts_are_dropped_unless_the_setting_keeps_them(book: Book) -> None:
    book.write(input_text="secret", output_text="secret")
    book.settings = Settings()
    book.write(input_text="secret", output_text="secret")
    newest, oldest = (await book.history.page()).entries
    assert (newest.input_text, newest.output_text) == (None, None)
    assert oldest.input_text == "secret"


async def test_nothing_is_kept_while_the_history_is_off(book: Book) -> None:
    book.settings = Settings(history=False)
    book.write()
    assert (await book.history.page()).total == 0


async def test_old_rows_are_purged(book: Book) -> None:
    book.settings = Settings(history_days=1)
    book.write(time=time.time() - 2 * 86_400)
    book.write()
    assert await book.history.purge_old() == 1
    book.settings = Settings(history_days=0)
    assert await book.history.purge_old() == 0


async def test_rows_that_could_not_be_written_are_written_later(book: Book) -> None:
    await book.database.run(lambda c: c.execute("ALTER TABLE history RENAME TO elsewhere"))
    book.write()
    with pytest.raises(DatabaseUnusable):
        await book.history.flush()
    await book.database.run(lambda c: c.execute("ALTER TABLE elsewhere RENAME TO history"))
    assert (await book.history.page()).total == 1


async def test_a_history_that_cannot_be_written_fails_no_one_in_the_background(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    await book.database.run(lambda c: c.execute("ALTER TABLE history RENAME TO elsewhere"))
    book.write()
    async with asyncio.timeout(20):
        while "kept in memory" not in caplog.text:  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.01)
    await book.database.run(lambda c: c.execute("ALTER TABLE elsewhere RENAME TO history"))
