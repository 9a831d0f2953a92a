"""`status` and `stop`."""

from __future__ import annotations

import time
from pathlib import Path

import filelock
import typer

from sidecar import discovery
from sidecar.cli.connection import ask
from sidecar.cli.declaring import command
from sidecar.cli.output import say, say_json, size, working
from sidecar.cli.status import Options
from sidecar.client import Client
from sidecar.errors import RequestTimeout
from sidecar.types import Health, StatusResponse

STOP_SECONDS = 20.0


def status(options: Options) -> None:
    """Say whether the service runs, where, and how it fares."""
    found = discovery.read(options.paths.runtime_file)
    health = ask(options, _health)
    if options.as_json:
        say_json({"url": found.url, "pid": found.pid, "version": found.version, "health": health})
        return
    say(f"Inglenook {found.version} is running at {found.url} (process {found.pid}).")
    say(
        f"{health.models_loaded} models loaded, {size(health.memory_usage_mb)} of memory;"
        f" up for {time.strftime('%H:%M:%S', time.gmtime(health.uptime_s or 0))}."
    )


def stop(options: Options) -> None:
    """Stop the service and wait until it has ended."""
    with working("Stopping"):
        ask(options, _shutdown)
        _wait_for_end(options.paths.lock_file)
    if options.as_json:
        say_json(StatusResponse("stopped"))
    else:
        say("The service has stopped.")


def add(app: typer.Typer) -> None:
    command(app, status)
    command(app, stop)


async def _health(client: Client) -> Health:
    return await client.health()


async def _shutdown(client: Client) -> None:
    await client.shutdown()


def _wait_for_end(lock: Path) -> None:
    """Until the service lets go of its folder, the last thing it does."""
    try:
        with filelock.FileLock(lock).acquire(timeout=STOP_SECONDS):
            return
    except filelock.Timeout:
        raise RequestTimeout(f"The service did not end within {STOP_SECONDS:g} s.", seconds=STOP_SECONDS) from None
