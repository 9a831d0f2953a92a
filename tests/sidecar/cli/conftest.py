"""The command line on the shared service, or on a folder in which none runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar import discovery
from sidecar.errors import ServiceUnreachable
from sidecar.paths import Paths
from tests.helpers.command_line import Command, command_on
from tests.helpers.hub import HubServer, hub_server
from tests.helpers.service import RunningService, running_service


@pytest.fixture
def cli(service: RunningService) -> Command:
    """`cli("status", "--json")` on the shared service."""
    return command_on(service)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with hub_server() as server:
        yield server


@pytest.fixture(scope="module")
def hub_service(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service of the module's own, which asks `hub`."""
    with running_service(tmp_path_factory.mktemp("hub"), hub_endpoint=hub.url) as service:
        yield service


@pytest.fixture
def command(hub_service: RunningService) -> Command:
    """As `cli`, on `hub_service`."""
    return command_on(hub_service)


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
