"""Work in a thread, told of as the progress of a job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sidecar.imports.progress import Progress
from sidecar.runtime.jobs import Report

T = TypeVar("T")
TOLD_EVERY_SECONDS = 0.2


def part_of(report: Report, number: int, count: int) -> Report:
    """`report` for one of `count` steps."""

    def part(stage: str, done: float, /, **told: Any) -> None:
        report(stage, (number + done) / count, **told)

    return part


async def followed(work: Callable[[], T], progress: Progress, report: Report) -> T:
    """What `work` returns, from a thread; told of meanwhile. Cancelled, it ends at its next piece, and is waited for."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        while not running.done():
            _tell(progress, report)
            await asyncio.wait({running}, timeout=TOLD_EVERY_SECONDS)
    except asyncio.CancelledError:
        progress.stop.set()
        await asyncio.gather(running, return_exceptions=True)
        raise
    result = running.result()
    progress.reached(progress.total)
    _tell(progress, report)
    return result


def _tell(progress: Progress, report: Report) -> None:
    done = min(progress.done, progress.total)
    report(progress.stage, progress.share, bytes_done=done, bytes_total=progress.total)
