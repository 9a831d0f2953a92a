"""Jobs: states, progress, turns, cancelling."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.errors import Conflict, DiskFull, JobNotFound
from sidecar.events import EventBus
from sidecar.runtime.jobs import KEPT, Jobs, Report


async def quick(report: Report) -> str:
    report("working", 0.5)
    return "It is done."


async def finished(jobs: Jobs, job_id: str) -> str:
    async with asyncio.timeout(60):
        while jobs.get(job_id).finished_at is None:  # noqa: ASYNC110 - jobs tell only the events
            await asyncio.sleep(0)
    return jobs.get(job_id).state


async def test_a_job_ends_with_what_its_work_says() -> None:
    jobs = Jobs(EventBus())
    job = jobs.start("prepare", "m", quick)
    assert await finished(jobs, job.id) == "done"
    ended = jobs.get(job.id)
    assert (ended.message, ended.progress, ended.stage) == ("It is done.", 1.0, "working")


async def test_an_error_is_the_jobs_error() -> None:
    async def full(report: Report) -> str:
        raise DiskFull(path="/data")

    jobs = Jobs(EventBus())
    job = jobs.start("prepare", "m", full)
    assert await finished(jobs, job.id) == "failed"
    error = jobs.get(job.id).error
    assert error is not None
    assert error.code == "disk_full"


async def test_a_fault_of_our_own_names_the_job_and_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(report: Report) -> str:
        raise ZeroDivisionError

    jobs = Jobs(EventBus())
    job = jobs.start("prepare", "m", broken)
    assert await finished(jobs, job.id) == "failed"
    assert job.id in jobs.get(job.id).message
    assert "ZeroDivisionError" in caplog.text


async def test_cancelling_waits_until_the_work_has_cleaned_up() -> None:
    cleaned = False

    async def endless(report: Report) -> str:
        nonlocal cleaned
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned = True
        return ""

    jobs = Jobs(EventBus())
    job = jobs.start("prepare", "m", endless)
    await asyncio.sleep(0)
    assert (await jobs.cancel(job.id)).state == "cancelled"
    assert cleaned


async def test_jobs_of_one_kind_wait_for_each_other_and_a_waiting_one_can_be_cancelled() -> None:
    hold = asyncio.Event()

    async def held(report: Report) -> str:
        await hold.wait()
        return ""

    jobs = Jobs(EventBus())
    first, second, other = (jobs.start(*names, held) for names in (("a", "m"), ("a", "n"), ("b", "m")))
    await asyncio.sleep(0)
    assert [jobs.get(job.id).state for job in (first, second, other)] == ["running", "queued", "running"]
    assert (await jobs.cancel(second.id)).state == "cancelled"
    hold.set()
    assert [await finished(jobs, job.id) for job in (first, other)] == ["done", "done"]


async def test_a_model_has_one_job_of_a_kind_at_a_time() -> None:
    jobs = Jobs(EventBus())
    job = jobs.start("prepare", "m", quick)
    with pytest.raises(Conflict, match=job.id):
        jobs.start("prepare", "m", quick)
    await finished(jobs, job.id)
    await finished(jobs, jobs.start("prepare", "m", quick).id)


async def test_progress_never_goes_back_and_small_steps_are_no_events() -> None:
    events = EventBus()
    jobs = Jobs(events)

    async def steps(report: Report) -> str:
        for done in (0.1, 0.101, 0.102, 0.5, 0.3):
            report("working", done)
        return ""

    with events.subscribe() as told:
        job = jobs.start("prepare", "m", steps)
        await finished(jobs, job.id)
        events.close()
        seen = [event.job.progress async for event in told if event.job]
    assert seen == [0.0, 0.0, 0.1, 0.5, 1.0]


async def test_the_oldest_that_have_ended_are_forgotten() -> None:
    jobs = Jobs(EventBus())
    for number in range(KEPT + 5):
        await finished(jobs, jobs.start("prepare", f"m{number}", quick).id)
    assert len(jobs.all()) == KEPT
    assert jobs.all()[0].model == "m5"


async def test_an_unknown_job_is_not_found() -> None:
    with pytest.raises(JobNotFound):
        Jobs(EventBus()).get("none")


async def test_closing_cancels_what_runs() -> None:
    async def endless(report: Report) -> str:
        await asyncio.Event().wait()
        return ""

    jobs = Jobs(EventBus())
    job = jobs.start("prepare", "m", endless)
    await asyncio.sleep(0)
    await jobs.close()
    assert jobs.get(job.id).state == "cancelled"


async def test_a_job_that_must_be_alone_neither_begins_beside_others_nor_lets_them_begin() -> None:
    jobs, gate = Jobs(EventBus()), asyncio.Event()

    async def waits(report: Report) -> str:
        await gate.wait()
        return "done"

    other = jobs.start("import", "a", waits)
    with pytest.raises(Conflict, match=f"job {other.id} to import a is under way"):
        jobs.start("move", "/there", waits, alone=True)
    await jobs.cancel(other.id)
    alone = jobs.start("move", "/there", waits, alone=True)
    with pytest.raises(Conflict, match=alone.id):
        jobs.start("prepare", "b", waits)
    await jobs.cancel(alone.id)
    assert jobs.start("prepare", "b", waits).state == "queued"
    await jobs.close()
