"""The one way out: the offline switch, the list of what went out, redirects that are not followed, certificates."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx2
import pytest

from sidecar.config import Settings
from sidecar.errors import EnvironmentFault, HubRefused, NetworkUnavailable, Offline
from sidecar.hub.connection import HubConnection
from sidecar.hub.listing import Listing
from sidecar.hub.token import TokenKeeper
from tests.helpers.hub import HubServer, model_files


def connection_with(tmp_path: Path, **settings: object) -> HubConnection:
    made = Settings(**settings)
    return HubConnection(lambda: made, TokenKeeper(tmp_path / "token"))


def test_offline_is_told_and_nothing_is_asked(hub: HubServer, tmp_path: Path) -> None:
    connection = connection_with(tmp_path, hub_endpoint=hub.url, offline=True)
    with pytest.raises(Offline, match="no connection was made"):
        Listing(connection).repository("org/model")
    assert hub.seen == []
    assert connection.records() == []


def test_every_request_is_listed_with_its_reason_and_bytes(
    hub: HubServer, connection: HubConnection, listing: Listing
) -> None:
    repo = hub.add("org/model", model_files())
    listing.text(listing.repository("org/model"), "README.md")
    newest, first = connection.records()
    assert (newest.reason, newest.status, newest.bytes) == ("README.md of org/model", 200, repo.files["README.md"].size)
    assert (first.reason, first.method, first.host) == (
        "the files of org/model",
        "GET",
        hub.url.removeprefix("http://"),
    )
    assert len(hub.seen) == 2


def test_a_connection_that_could_not_be_made_is_listed_too(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    connection = connection_with(tmp_path, hub_endpoint=f"http://127.0.0.1:{port}")
    with pytest.raises(NetworkUnavailable, match="could not be reached"):
        Listing(connection).repository("org/model")
    assert [record.status for record in connection.records()] == [None]
    connection.close()


@pytest.mark.parametrize("target", ["http://cdn.example/file", "https://127.0.0.1/file", "https://printer.local/file"])
def test_a_public_hub_leads_neither_to_plain_http_nor_into_the_local_network(tmp_path: Path, target: str) -> None:
    connection = connection_with(tmp_path, hub_endpoint="https://hub.example")
    with pytest.raises(HubRefused, match="not followed"):
        connection._before(httpx2.Request("GET", target))


def test_requests_go_through_the_proxy_that_the_settings_name(hub: HubServer, tmp_path: Path) -> None:
    hub.add("org/model", model_files())
    connection = connection_with(tmp_path, hub_endpoint="http://hub.example", proxy=hub.url)
    assert Listing(connection).repository("org/model").commit
    assert hub.seen[0].host == "hub.example"
    connection.close()


def test_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    connection = connection_with(tmp_path, hub_endpoint="https://hub.example", ca_bundle=str(tmp_path / "none.pem"))
    with pytest.raises(EnvironmentFault, match="ca_bundle"):
        Listing(connection).repository("org/model")


@pytest.mark.parametrize("endpoint", ["https://hub.example", "http://hub.example"])
def test_an_address_that_was_given_gets_no_token_and_leads_nowhere_else_in_the_local_network(
    hub: HubServer, tmp_path: Path, endpoint: str
) -> None:
    hub.add("org/model", model_files())
    connection = connection_with(tmp_path, hub_endpoint=endpoint)
    connection.tokens.set("hf_mine")
    url = f"{hub.url}/org/model/resolve/main/model.safetensors"  # which leads to another port
    with (
        pytest.raises(HubRefused, match="not followed"),
        connection.purpose("a file", to=url),
        connection.open(url, {}),
    ):
        pass
    assert [(seen.server, seen.authorization) for seen in hub.seen] == [("hub", None)]
    connection.close()
