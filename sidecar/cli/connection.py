"""How a command reaches the service: the one that runs, or one started in the background when that was asked for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from sidecar.cli.output import working
from sidecar.cli.status import Options
from sidecar.client import Client
from sidecar.errors import ServiceUnreachable
from sidecar.paths import Paths

T = TypeVar("T")
START_SECONDS = 60.0
POLL_SECONDS = 0.05
Start = Annotated[bool, typer.Option("--start", help="Start the service in the background if none is running.")]


def ask(options: Options, work: Callable[[Client], Awaitable[T]], *, start: bool = False) -> T:
    """What `work` returns from the running service. Raises ServiceUnreachable, and what `work` raises."""

    async def asked() -> T:
        async with reach(options, start=start) as client:
            return await work(client)

    return asyncio.run(asked())


def reach(options: Options, *, start: bool = False) -> Client:
    """A client of the running service, started first if there is none and `start` says so. Raises ServiceUnreachable."""
    try:
        return Client.connect(options.paths)
    except ServiceUnreachable:
        if not start:
            raise
    with working("Starting the service"):
        return started(options.paths)


def started(paths: Paths) -> Client:
    """A client of a service that was just started and outlives this command. Raises ServiceUnreachable with its last words."""
    paths.create()
    stderr = paths.log_dir / "service-stderr.log"
    with stderr.open("wb") as said:
        process = subprocess.Popen(
            service_command(paths),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return Client.connect(paths)
        except ServiceUnreachable:
            time.sleep(POLL_SECONDS)
    end = stderr.read_text("utf-8", "replace").strip() or "it did not become ready"
    raise ServiceUnreachable(f"The service could not be started: {end}", url="", reason=end)


def service_command(paths: Paths) -> list[str]:
    """The words that serve from these folders; a frozen build is its own interpreter."""
    module = [] if getattr(sys, "frozen", False) else ["-m", "sidecar"]
    return [sys.executable, *module, "serve", *paths.as_argument()]
