"""One file's way here, with everything that can go wrong on it; bytes are counted at the server."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from sidecar.errors import HubRefused, InglenookError, IntegrityFailed, NetworkUnavailable
from sidecar.hub import hashing
from sidecar.hub.connection import HubConnection
from sidecar.hub.stopping import Stop, Stopped
from sidecar.hub.transfer import Patience, Throttle, Transfer
from sidecar.types import RemoteFile
from tests.helpers.hub import Blob, Fault, HubServer, model_files

WEIGHTS = "model.safetensors"
QUICK = Patience(tries=3, first_s=0.01, longest_s=1.0)


class Road:
    """A file of the hub, and the place for it."""

    def __init__(self, connection: HubConnection, hub: HubServer, target: Path, blob: Blob | None = None) -> None:
        files = {WEIGHTS: blob} if blob else model_files()
        repo = hub.add("org/model", files)
        self.blob, self.target, self.stop = repo.files[WEIGHTS], target, Stop()
        self.file = RemoteFile(WEIGHTS, self.blob.size, self.blob.sha256)
        self.limit = 0
        url = connection.file_url("org/model", repo.commit, WEIGHTS)
        throttle = Throttle(lambda: self.limit)
        self.places: list[int] = []
        self.transfer = Transfer(
            connection, url, self.file, target, self.stop, self.places.append, throttle, QUICK
        )  # fmt: skip

    def fetched(self) -> bool:
        """Run it; whether what is here then is the file."""
        self.transfer.run()
        return hashing.differs(self.target, self.file) is None

    def refused(self) -> InglenookError:
        with pytest.raises(InglenookError) as caught:
            self.transfer.run()
        return caught.value


@pytest.fixture
def road(connection: HubConnection, hub: HubServer, tmp_path: Path) -> Road:
    return Road(connection, hub, tmp_path / "part")


@pytest.mark.parametrize("after", [0, 1, 63, 65_536, 199_999])
def test_a_cut_anywhere_goes_on_at_that_byte(road: Road, hub: HubServer, after: int) -> None:
    hub.fail(WEIGHTS, Fault("cut", after=after))
    assert road.fetched()
    assert hub.served[WEIGHTS] == road.file.bytes


def test_many_cuts_are_survived_as_long_as_each_brings_something(road: Road, hub: HubServer) -> None:
    hub.fail(WEIGHTS, Fault("cut", after=20_000, times=9))
    assert road.fetched()
    assert hub.served[WEIGHTS] == road.file.bytes


def test_a_connection_that_falls_silent_is_given_up_and_resumed(road: Road, hub: HubServer) -> None:
    hub.fail(WEIGHTS, Fault("stall", after=50_000))
    assert road.fetched()
    assert hub.served[WEIGHTS] == road.file.bytes


def test_a_server_that_only_cuts_is_given_up_with_the_reason(road: Road, hub: HubServer) -> None:
    hub.fail(WEIGHTS, Fault("cut", after=0, times=50))
    assert isinstance(road.refused(), NetworkUnavailable)
    assert len(hub.requests(WEIGHTS)) == 2 * QUICK.tries


def test_too_many_requests_are_waited_for_as_long_as_it_says(road: Road, hub: HubServer) -> None:
    hub.fail(WEIGHTS, Fault("status", status=429, retry_after="0.4"))
    began = time.monotonic()
    assert road.fetched()
    assert time.monotonic() - began >= 0.4


def test_a_long_wait_is_told_instead_of_waited(road: Road, hub: HubServer) -> None:
    hub.fail(WEIGHTS, Fault("status", status=429, retry_after="3600"))
    error = road.refused()
    assert isinstance(error, HubRefused)
    assert error.details["retry_after"] == 3600


def test_a_fault_of_the_server_is_tried_again_and_then_told(road: Road, hub: HubServer) -> None:
    hub.fail(WEIGHTS, Fault("status", status=500))
    assert road.fetched()
    road.target.unlink()
    hub.fail(WEIGHTS, Fault("status", status=500, times=50))
    assert "500" in road.refused().message


def test_a_server_that_knows_no_ranges_begins_anew_and_nothing_is_doubled(road: Road, hub: HubServer) -> None:
    hub.fail(WEIGHTS, Fault("cut", after=50_000), Fault("whole"))
    assert road.fetched()


def test_a_part_that_is_longer_than_the_file_is_thrown_away(road: Road) -> None:
    road.target.write_bytes(bytes(road.file.bytes + 10))
    assert road.fetched()


def test_an_unsatisfiable_range_begins_anew(road: Road, hub: HubServer) -> None:
    road.target.write_bytes(b"x" * 100)
    hub.fail(WEIGHTS, Fault("status", status=416))
    assert road.fetched()


@pytest.mark.parametrize("fault", [Fault("truncate", after=1000), Fault("too_long")], ids=lambda fault: fault.kind)
def test_a_file_of_another_length_is_refused(road: Road, hub: HubServer, fault: Fault) -> None:
    hub.fail(WEIGHTS, fault)
    error = road.refused()
    assert isinstance(error, IntegrityFailed)
    assert "instead of" in error.message


def test_a_transfer_stops_when_asked_and_keeps_what_has_arrived(road: Road, hub: HubServer) -> None:
    road.limit = 100_000

    def stop_amid_it() -> None:
        while not road.target.exists() or not road.target.stat().st_size:
            time.sleep(0.01)
        road.stop.set()

    threading.Thread(target=stop_amid_it, daemon=True).start()
    with pytest.raises(Stopped):
        road.transfer.run()
    here = road.target.stat().st_size
    assert 0 < here < road.file.bytes
    road.stop.clear()
    road.limit = 0
    assert road.fetched()
    assert hub.requests(WEIGHTS)[-1].range == f"bytes={here}-"


@pytest.mark.parametrize("connection", [60.0], indirect=True)
def test_a_transfer_that_waits_for_a_silent_server_stops_at_once(road: Road, hub: HubServer) -> None:
    hub.fail(WEIGHTS, Fault("stall", after=1000))
    threading.Timer(0.1, road.stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        road.transfer.run()
    assert time.monotonic() - began < 30  # of the minute that this connection would wait


def test_the_limit_is_kept(road: Road) -> None:
    road.limit = 400_000
    began = time.monotonic()
    assert road.fetched()
    assert time.monotonic() - began >= 0.45


def test_the_token_stays_with_the_hub(connection: HubConnection, hub: HubServer, road: Road) -> None:
    hub.tokens["hf_secret"] = "me"
    connection.tokens.set("hf_secret")
    assert road.fetched()
    seen = hub.requests(WEIGHTS)
    assert [one.authorization for one in seen if one.server == "hub"] == ["Bearer hf_secret"]
    assert [one.authorization for one in seen if one.server == "store"] == [None]


def test_a_redirect_to_a_foreign_host_gets_no_token(connection: HubConnection, hub: HubServer, road: Road) -> None:
    connection.tokens.set("hf_secret")
    foreign = hub.store_url.replace("127.0.0.1", "localhost") + f"/blobs/org/model/{WEIGHTS}"
    hub.fail(WEIGHTS, Fault("redirect", target=foreign))
    assert road.fetched()
    assert [one.authorization for one in hub.requests(WEIGHTS) if one.host.startswith("localhost")] == [None]
