"""Waiting for a job of the service, with a bar, until it has ended, and saying what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sidecar.cli.connection import ask
from sidecar.cli.output import note, progress, say, say_json
from sidecar.cli.status import Options
from sidecar.client import Client
from sidecar.errors import from_wire
from sidecar.types import DownloadInfo, JobInfo, JobStarted

POLL_SECONDS = 0.2
MB = 1 << 20


def run_job(
    options: Options, what: str, begin: Callable[[Client], Awaitable[JobStarted]], *, start: bool = False
) -> None:
    """Begin a job, follow it, and say how it ended. Raises what went wrong with it; Ctrl-C cancels it."""

    async def work(client: Client) -> JobInfo:
        started = await begin(client)
        with progress(what) as show:
            return await followed_job(client, started.job_id, show)

    say_ended(options, ask(options, work, start=start))


async def followed_job(client: Client, job_id: str, show: Callable[[str, float], None]) -> JobInfo:
    """The job once it has ended; when the command is interrupted, so is the job."""
    try:
        while (job := await client.job(job_id)).finished_at is None:
            show(_stage(job), job.progress)
            await asyncio.sleep(POLL_SECONDS)
    except asyncio.CancelledError:
        await client.cancel_job(job_id)
        raise
    return job


def say_ended(options: Options, ended: JobInfo | DownloadInfo) -> None:
    """Raises what went wrong with it."""
    ended_well(ended)
    if options.as_json:
        say_json(ended)
        return
    for warning in ended.warnings:
        note(warning)
    say(ended.message)


def ended_well(ended: JobInfo | DownloadInfo) -> None:
    """Raises what went wrong with it."""
    if ended.error is not None:
        raise from_wire(ended.error.code, ended.error.message, ended.error.details)


def _stage(job: JobInfo) -> str:
    if not job.bytes_total:
        return job.stage
    return f"{job.stage}, {(job.bytes_done or 0) / MB:.0f} of {job.bytes_total / MB:.0f} MB"
