"""A hub that may misbehave, and a connection to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.config import Settings
from sidecar.hub.connection import HubConnection
from sidecar.hub.listing import Listing
from sidecar.hub.token import TokenKeeper
from tests.helpers.hub import HubServer, hub_server


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server() as server:
        yield server


@pytest.fixture
def connection(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[HubConnection]:
    """Waits for half a second, or for as long as a test's parameter says."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    settings = Settings(hub_endpoint=hub.url, network_timeout_s=getattr(request, "param", 0.5))
    made = HubConnection(lambda: settings, TokenKeeper(tmp_path / "token"))
    yield made
    made.close()


@pytest.fixture
def listing(connection: HubConnection) -> Listing:
    return Listing(connection)
