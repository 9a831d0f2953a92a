"""The command line on the shared service, or on a folder in which none runs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidecar import discovery
from sidecar.errors import ServiceUnreachable
from sidecar.paths import Paths
from tests.helpers.command_line import inglenook
from tests.helpers.service import RunningService

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(service: RunningService) -> Command:
    """`cli("status", "--json")` on the shared service."""
    return lambda *words, **more: inglenook(*words, INGLENOOK_DATA_DIR=str(service.paths.data_dir), **more)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder in which no service runs; one that a command started is ended."""
    yield tmp_path
    try:
        pid = discovery.read(Paths.in_folder(tmp_path).runtime_file).pid
    except ServiceUnreachable:
        return
    os.kill(pid, signal.SIGTERM)
    while discovery.process_exists(pid):
        time.sleep(0.05)
