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


async def test_rows_reach_the_disk_in_the_background(book: Book) -> None:
    book.write()
    await asyncio.sleep(1.0)
    count = await book.database.run(lambda c: c.execute("SELECT count(*) FROM history").fetchone()[0])
    assert count == 1


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
    await asyncio.sleep(0.8)
    assert "kept in memory" in caplog.text
    await book.database.run(lambda c: c.execute("ALTER TABLE elsewhere RENAME TO history"))
