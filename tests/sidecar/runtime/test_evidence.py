from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.db import Database
from sidecar.runtime.evidence import KEPT, Evidence, Observation


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "test.db")
    yield database
    await database.close()


def run(**changes: Any) -> Observation:
    of = {"model": "m", "version": "v", "engine": "transformers", "precision": "int8", "kind": "generate"}
    return Observation(**{"time": 1.0, **of, **changes})


async def reopened(database: Database, evidence: Evidence) -> Evidence:
    await evidence.close()
    again = Evidence(database)
    await again.open()
    return again


async def test_runs_are_kept_for_the_next_start(database: Database) -> None:
    evidence = Evidence(database)
    seen = run(first_s=0.5, rest_s=1.5, prompt_tokens=9, completion_tokens=20)
    evidence.add(seen)
    assert (await reopened(database, evidence)).of("m", "v") == [seen]


async def test_only_the_latest_of_each_kind_are_kept(database: Database) -> None:
    evidence = Evidence(database)
    for number in range(KEPT + 5):
        evidence.add(run(time=float(number)))
    evidence.add(run(kind="load"))
    for one in (evidence, await reopened(database, evidence)):
        runs = one.of("m", "v")
        assert [seen.time for seen in runs if seen.kind == "generate"] == [float(n) for n in range(5, KEPT + 5)]
        assert len([seen for seen in runs if seen.kind == "load"]) == 1
    count = await database.run(lambda c: c.execute("SELECT count(*) FROM observations").fetchone()[0])
    assert count == KEPT + 1


async def test_runs_of_other_files_under_the_same_name_do_not_count(database: Database) -> None:
    evidence = Evidence(database)
    evidence.add(run(version="old"))
    assert evidence.of("m", "new") == []


async def test_a_removed_model_takes_its_runs_along(database: Database) -> None:
    evidence = Evidence(database)
    evidence.add(run())
    evidence.add(run(model="other"))
    await evidence.forget("m")
    again = await reopened(database, evidence)
    assert again.of("m", "v") == []
    assert len(again.of("other", "v")) == 1
