"""Waiting for a job of the service, with a bar, until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sidecar.client import Client
from sidecar.errors import from_wire
from sidecar.types import DownloadInfo, JobInfo

POLL_SECONDS = 0.2
MB = 1 << 20


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


def ended_well(ended: JobInfo | DownloadInfo) -> None:
    """Raises what went wrong with it."""
    if ended.error is not None:
        raise from_wire(ended.error.code, ended.error.message, ended.error.details)


def _stage(job: JobInfo) -> str:
    if not job.bytes_total:
        return job.stage
    return f"{job.stage}, {(job.bytes_done or 0) / MB:.0f} of {job.bytes_total / MB:.0f} MB"
