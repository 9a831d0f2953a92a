"""The database's faults, each really caused: damage, a full disk, a newer program, kill -9, two processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sidecar.db import Database
from sidecar.errors import DatabaseUnusable, DiskFull
from sidecar.migrations import MIGRATIONS
from tests.helpers.disks import MAY_MOUNT, fill, small_disk


def insert(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO models (id, model_type, path, engine, options, created_at) VALUES ('a', 'embedding', '/', 'echo', '{}', 0)"
    )


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM models").fetchone()[0])


async def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "x.db")
    await database.run(insert)
    await database.close()
    again = await Database.open(tmp_path / "x.db")
    assert await again.run(count) == 1
    await again.close()


async def test_a_failing_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "x.db")

    def insert_then_fail(connection: sqlite3.Connection) -> None:
        insert(connection)
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await database.run(insert_then_fail)
    assert await database.run(count) == 0
    await database.close()


async def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.write_bytes(b"this is no database, whatever its name says" * 100)
    database = await Database.open(file)
    assert database.set_aside is not None
    assert database.set_aside.read_bytes().startswith(b"this is no database")
    assert await database.run(count) == 0
    await database.close()


async def test_a_database_of_a_newer_program_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    newer = sqlite3.connect(file)
    newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()
    with pytest.raises(DatabaseUnusable, match="newer"):
        await Database.open(file)
    assert file.exists()


async def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"unable to open"):
        await Database.open(tmp_path / "missing" / "x.db")


async def test_a_full_disk_is_reported_as_such_and_the_database_works_again_afterwards(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "x.db")
    (pages,) = await database.run(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    await database.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}"))

    def fill(connection: sqlite3.Connection) -> None:
        for number in range(1000):
            connection.execute(
                "INSERT INTO models (id, model_type, path, engine, options, created_at) VALUES (?, '', ?, '', '', 0)",
                (str(number), "x" * 1000),
            )

    with pytest.raises(DiskFull):
        await database.run(fill)
    await database.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))
    await database.run(insert)
    assert await database.run(count) == 1
    await database.close()


async def test_closing_twice_is_harmless_and_later_work_is_an_error(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "x.db")
    await database.close()
    await database.close()
    with pytest.raises(RuntimeError):
        await database.run(count)


WRITER = """
import asyncio, pathlib, sys
from sidecar.db import Database

async def main():
    database = await Database.open(pathlib.Path(sys.argv[1]))
    for number in range(10**9):
        await database.run(lambda connection: connection.execute(
            "INSERT INTO models (id, model_type, path, engine, options, created_at) VALUES (?, '', '', '', '', 0)",
            (f"{sys.argv[2]}-{number}",)))
        print(number, flush=True)

asyncio.run(main())
"""


def start_writer(file: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(file), name], stdout=subprocess.PIPE, text=True)


async def test_kill_9_in_a_write_loop_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    confirmed = 0
    for attempt in range(3):
        writer = start_writer(file, str(attempt))
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(50)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += writer.stdout.readlines()
        writer.stdout.close()
        writer.wait()
        confirmed += sum(1 for line in lines if line.endswith("\n"))
    database = await Database.open(file)
    assert await database.run(count) >= confirmed
    assert await database.run(lambda connection: connection.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"
    await database.close()


async def test_two_processes_writing_at_once_both_succeed(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    await (await Database.open(file)).close()
    writers = [start_writer(file, name) for name in ("a", "b")]
    deadline = time.monotonic() + 20
    database = await Database.open(file)
    seen: set[str] = set()
    while time.monotonic() < deadline and len(seen) < 2:
        rows = await database.run(
            lambda connection: connection.execute("SELECT DISTINCT substr(id, 1, 1) FROM models").fetchall()
        )
        seen = {row[0] for row in rows}
    for writer in writers:
        assert writer.poll() is None
        writer.kill()
        writer.wait()
        assert writer.stdout is not None
        writer.stdout.close()
    assert seen == {"a", "b"}
    await database.close()


if MAY_MOUNT:

    async def test_on_a_disk_that_is_full_to_the_last_byte_opening_says_so(tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk", "2m") as disk:
            await (await Database.open(disk / "x.db")).close()
            fill(disk / "filler")
            with pytest.raises(DiskFull, match=r"is full\. Free some space"):
                await Database.open(disk / "x.db")
