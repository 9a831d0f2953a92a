"""Downloads of the real service: killed in the middle, next to another one, offline."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import psutil
import pytest

from sidecar.client import Client
from sidecar.errors import Offline
from sidecar.types import CatalogueQuery, DownloadInfo, DownloadRequest, FromUrlRequest
from tests.helpers.hub import HubServer, model_files
from tests.helpers.sabotage import kill_at
from tests.helpers.service import RunningService, download_ended, job_ended, running_service

WEIGHTS = "model.safetensors"
ON_ITS_WAY = 300_000  # bytes that may have left the server and not been written when a process is killed
LISTENER = """
import os, sys
def heard(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        with open(os.environ["HEARD"], "a") as file:
            file.write(f"{event} {arguments[1:]}\\n")
sys.addaudithook(heard)
"""


async def begun(client: Client, job: str, count: int) -> None:
    while (await client.download_info(job)).bytes_done < count:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)


async def test_a_service_killed_in_the_middle_goes_on_where_it_was(hub: HubServer, tmp_path: Path) -> None:
    repo = hub.add("org/model", model_files(2_000_000))
    hub.rate = 1_000_000
    with running_service(tmp_path / "data", hub_endpoint=hub.url) as killed:
        async with killed.client() as client:
            job = (await client.download(DownloadRequest("org/model"))).job_id
            await begun(client, job, 700_000)
        killed.process.send_signal(signal.SIGKILL)
        killed.wait()
    with running_service(tmp_path / "data", hub_endpoint=hub.url) as service:
        async with service.client() as client:
            info = await download_ended(client, job)
            assert (info.state, (await client.verify("org/model")).damaged) == ("done", [])
    assert hub.served[WEIGHTS] <= repo.files[WEIGHTS].size + ON_ITS_WAY
    assert hub.requests(WEIGHTS)[-1].range is not None


@pytest.mark.parametrize(
    "step",
    ["open|{weights}.part|3", "os.rename|{commit}|1", "open|{commit}/config.json|1"],
    ids=["before it is verified", "before it is in its place", "before it is known"],
)
async def test_a_service_killed_later_has_no_half_model_and_fetches_nothing_again(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    repo = hub.add("org/model", model_files())
    kill_at(step.format(weights=repo.files[WEIGHTS].sha256, commit=repo.commit[:12]), tmp_path, monkeypatch)
    with running_service(tmp_path / "data", hub_endpoint=hub.url) as killed:
        async with killed.client() as client:
            job = (await client.download(DownloadRequest("org/model"))).job_id
        assert killed.wait() == -signal.SIGKILL
    monkeypatch.delenv("PYTHONPATH")
    with running_service(tmp_path / "data", hub_endpoint=hub.url) as service:
        async with service.client() as client:
            assert (await download_ended(client, job)).state == "done"
            assert (await client.verify("org/model")).damaged == []
            assert (await client.storage()).partial_bytes == 0
    assert hub.served[WEIGHTS] == repo.files[WEIGHTS].size


async def test_two_services_that_fetch_the_same_model_fetch_it_once(hub: HubServer, tmp_path: Path) -> None:
    repo = hub.add("org/model", model_files(500_000))
    hub.rate = 500_000
    models = str(tmp_path / "models")
    with (
        running_service(tmp_path / "one", hub_endpoint=hub.url, models_dir=models) as one,
        running_service(tmp_path / "other", hub_endpoint=hub.url, models_dir=models) as other,
    ):
        found = await asyncio.gather(*(fetched(service) for service in (one, other)))
        assert [info.state for info in found] == ["done", "done"]
        assert hub.served == {path: blob.size for path, blob in repo.files.items()}
        async with one.client() as first, other.client() as second:
            assert (await first.verify("org/model")).damaged == (await second.verify("org/model")).damaged == []
            hub.rate = 250_000
            hub.add("org/far", {"far.gguf": b"GGUF" + bytes(500_000)})
            wanted = FromUrlRequest(f"{hub.store_url}/blobs/org/far/far.gguf")
            job = (await first.pull_url(wanted)).job_id
            await arriving(tmp_path / "models")
            told = await job_ended(second, (await second.pull_url(wanted)).job_id)
            assert "is being fetched already" in told.message
            assert (await job_ended(first, job)).finished_at is not None
    assert hub.served["far.gguf"] == 500_004 + 2  # of which each asked for one byte, to learn the size


async def arriving(models: Path) -> None:
    while not list(models.glob(".importing/arriving/*.part")):  # noqa: ASYNC110, ASYNC240 - another process
        await asyncio.sleep(0.01)


async def test_a_large_download_leaves_the_service_small(hub: HubServer, tmp_path: Path) -> None:
    parts = {f"{number}_Dense/model.safetensors": bytes([number]) * (16 << 20) for number in range(5)}
    hub.add("org/model", model_files() | parts)
    with running_service(tmp_path / "data", hub_endpoint=hub.url) as service:
        async with service.client() as client:
            assert (
                await download_ended(client, (await client.download(DownloadRequest("org/model"))).job_id)
            ).state == "done"
        assert psutil.Process(service.process.pid).memory_info().rss < 85 << 20  # with the libraries that ask the hub


async def fetched(service: RunningService) -> DownloadInfo:
    async with service.client() as client:
        return await download_ended(client, (await client.download(DownloadRequest("org/model"))).job_id)


async def test_offline_makes_no_connection_at_all_from_its_start_on(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(LISTENER, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("HEARD", str(tmp_path / "heard"))
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    hub.add("org/model", model_files(), info={"pipeline_tag": "text-classification"})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.toml").write_text("offline = true\n", "utf-8")
    with running_service(tmp_path / "data", hub_endpoint=hub.url) as service:
        async with service.client() as client:
            before = outbound(tmp_path / "heard")  # where it listens itself
            assert not [line for line in before if "getaddrinfo" not in line]
            job = await everything_that_asks_the_hub(client, hub)
            assert outbound(tmp_path / "heard") == before
            assert hub.seen == []
            assert await client.connections() == []
            await client.change_settings({"offline": False})
            await client.retry_download(job)
            assert (await download_ended(client, job)).state == "done"
            online = await client.catalogue_detail("org/model")
            asked = len(hub.seen)
            await client.change_settings({"offline": True})
            assert (await client.verify("org/model")).damaged == []
            assert (await client.catalogue_detail("org/model")).card == online.card
            assert len(hub.seen) == asked
    assert len(outbound(tmp_path / "heard")) > len(before)  # the same process is heard once the switch is off


async def everything_that_asks_the_hub(client: Client, hub: HubServer) -> str:
    """The download that could not be, after all else that could not be either."""
    assert (await client.hub_account()).user is None
    page = await client.catalogue(CatalogueQuery(query="classifier"))
    assert "offline" in str(page.notice)
    assert await client.recommended()
    assert (await client.lightweight_models()).models
    with pytest.raises(Offline):
        await client.catalogue_detail("org/model")
    with pytest.raises(Offline):
        await client.pull_url(FromUrlRequest(f"{hub.store_url}/blobs/org/model/far.gguf"))
    assert (await client.set_hub_token("hf_other")).user is None
    info = await download_ended(client, (await client.download(DownloadRequest("org/model"))).job_id)
    assert info.error is not None
    assert info.error.code == "offline"
    assert "offline is on: no connection was made" in info.message
    return info.job_id


def outbound(heard: Path) -> list[str]:
    """What the listener heard leave the process."""
    return heard.read_text("utf-8").splitlines() if heard.exists() else []
