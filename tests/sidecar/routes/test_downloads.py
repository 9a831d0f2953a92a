"""Downloads, verification and the hub's token over HTTP, on the real service with a hub of its own."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar import errors
from sidecar.client import Client
from sidecar.types import DownloadInfo, DownloadRequest
from tests.helpers.disks import MAY_MOUNT
from tests.helpers.hub import HubServer, hub_server, model_files
from tests.helpers.models import tiny
from tests.helpers.service import RunningService, download_ended, running_service

WEIGHTS = "model.safetensors"
# For a worker: when it opens a checkpoint it tries to reach the hub, by Python and by the system's own call.
CALLER = """
import os, socket, sys
called = False
def heard(event, arguments):
    global called
    if called or event != "open" or "worker" not in sys.argv or not str(arguments[0]).endswith("pytorch_model.bin"):
        return
    called = True
    for attempt in (by_python, by_the_system) if os.environ["CUT_OFF"] else (by_python,):
        try:
            said = attempt(int(os.environ["CALL"]))
        except OSError as error:
            said = "PermissionError" if isinstance(error, PermissionError) else "OSError"
        with open(os.environ["CALLED"], "a") as file:
            file.write(said + chr(10))
def by_python(port):
    socket.create_connection(("127.0.0.1", port), timeout=5)
    return "connected"
def by_the_system(port):
    import ctypes
    library = ctypes.CDLL(None, use_errno=True)
    address = b"\\x02\\x00" + port.to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
    if library.connect(library.socket(2, 1, 0), address, 16) != 0:
        raise OSError(ctypes.get_errno(), "refused by the system")
    return "connected"
sys.addaudithook(heard)
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with hub_server() as server:
        yield server


@pytest.fixture(scope="module")
def service(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("downloads"), hub_endpoint=hub.url) as service:
        yield service


async def fetched(client: Client, model: str, **fields: object) -> DownloadInfo:
    return await download_ended(client, (await client.download(DownloadRequest(model, **fields))).job_id)


async def folder_of(client: Client, model: str) -> Path:
    return Path((await client.model(model)).model_path)


async def test_a_damaged_file_is_set_aside_and_fetched_again_and_the_model_is_not_loadable_meanwhile(
    client: Client, hub: HubServer
) -> None:
    hub.add("org/damaged", model_files(seed=1))
    assert (await fetched(client, "org/damaged")).state == "done"
    folder = await folder_of(client, "org/damaged")
    weights = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(weights[:-1] + b"?")
    hub.rate = 100_000
    answer = await client.verify("org/damaged")
    assert (answer.damaged, answer.verified) == ([WEIGHTS], 3)
    assert answer.job_id == (await client.downloads())[0].job_id
    with pytest.raises(errors.LoadFailed, match="fetched again"):
        await client.load("org/damaged")
    hub.rate = 0
    assert (await download_ended(client, (await client.downloads())[0].job_id)).state == "done"
    assert (folder / WEIGHTS).read_bytes() == weights
    assert (await client.verify("org/damaged")).damaged == []
    assert list(folder.parents[1].glob(f".quarantine/*/{WEIGHTS}"))


async def test_a_file_that_changed_is_noticed_before_the_load(client: Client, hub: HubServer) -> None:
    hub.add("org/changed", model_files(seed=2))
    await fetched(client, "org/changed")
    (await folder_of(client, "org/changed") / "tokenizer.json").write_bytes(b'{"version": "2.0"}')
    with pytest.raises(errors.LoadFailed, match=r"Damaged: tokenizer\.json"):
        await client.load("org/changed")


async def test_a_model_without_a_manifest_cannot_be_verified(client: Client) -> None:
    with pytest.raises(errors.InvalidRequest, match="nothing to compare"):
        await client.verify("starter-chat")


async def test_a_download_is_paused_resumed_cancelled_and_taken_off_the_list(client: Client, hub: HubServer) -> None:
    hub.add("org/slow", model_files(400_000, seed=3))
    hub.rate = 200_000
    job = (await client.download(DownloadRequest("org/slow"))).job_id
    assert (await client.pause_download(job)).state == "paused"
    assert (await client.prioritise_download(job, 5)).priority == 5
    assert (await client.resume_download(job)).state in {"queued", "checking", "downloading"}
    assert (await client.cancel_download(job)).state == "cancelled"
    hub.rate = 0
    await client.forget_download(job)
    with pytest.raises(errors.DownloadNotFound):
        await client.download_info(job)


async def test_a_token_is_accepted_told_of_and_never_shown(
    client: Client, hub: HubServer, service: RunningService
) -> None:
    hub.tokens["hf_very_secret"] = "me"
    with pytest.raises(errors.HubRefused, match="not valid"):
        await client.set_hub_token("hf_wrong")
    account = await client.set_hub_token("hf_very_secret")
    assert (account.has_token, account.kept_in, account.user) == (True, "file", "me")
    assert not (await client.set_hub_token("")).has_token
    assert "hf_very_secret" not in service.log()


async def test_every_connection_is_listed(client: Client, hub: HubServer) -> None:
    hub.add("org/listed", model_files(seed=4))
    await fetched(client, "org/listed")
    found = await client.connections()
    reasons = {record.reason for record in found}
    assert {"the files of org/listed", f"{WEIGHTS} of org/listed"} <= reasons
    assert len(found) == len(hub.seen)
    stores = [record.bytes for record in found if record.host == hub.store_url.removeprefix("http://")]
    assert sum(stores) == hub.served[WEIGHTS]


async def test_pickled_weights_are_converted_once_with_permission_by_a_process_without_network(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = tiny("bert-single")
    files = {file.name: file.read_bytes() for file in original.iterdir() if file.name != WEIGHTS}
    hub.add("org/old", files | {"pytorch_model.bin": pickled(original / WEIGHTS)})
    (tmp_path / "sitecustomize.py").write_text(CALLER, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CALLED", str(tmp_path / "called"))
    monkeypatch.setenv("CALL", hub.url.rpartition(":")[2])
    monkeypatch.setenv("CUT_OFF", "yes" if MAY_MOUNT else "")  # by the system itself, where this user may
    refusals = ["PermissionError", "OSError"] if MAY_MOUNT else ["PermissionError"]
    with running_service(tmp_path / "data", hub_endpoint=hub.url) as service:
        async with service.client() as client:
            asked = await fetched(client, "org/old")
            assert (asked.state, "permission" in asked.message) == ("failed", True)
            old = await fetched(client, "org/old", allow=["pickle"])
            assert old.state == "done", old.message
            folder = await folder_of(client, "org/old")
            assert not (folder / "pytorch_model.bin").exists()
            assert same_weights(folder / WEIGHTS, original / WEIGHTS)
            assert (await client.verify("org/old")).damaged == []
            assert lines(tmp_path / "called") == refusals
            assert (await fetched(client, "org/old", allow=["pickle"])).state == "done"
            assert lines(tmp_path / "called") == refusals  # it is not converted again, and below: not fetched
    assert hub.served["pytorch_model.bin"] == hub.repos["org/old"].files["pytorch_model.bin"].size


def lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()


def pickled(weights: Path) -> bytes:
    """The same weights as an older checkpoint."""
    import torch
    from safetensors.torch import load_file

    written = io.BytesIO()
    torch.save(load_file(weights), written)
    return written.getvalue()


def same_weights(one: Path, other: Path) -> bool:
    import torch
    from safetensors.torch import load_file

    first, second = load_file(one), load_file(other)
    return set(first) == set(second) and all(torch.equal(first[name], second[name]) for name in first)
