"""Downloads of the real service: killed in the middle, next to another one, offline."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from sidecar.client import Client
from sidecar.types import DownloadInfo, DownloadRequest
from tests.helpers.hub import HubServer, model_files
from tests.helpers.service import RunningService, running_service

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


async def ended(client: Client, job: str) -> DownloadInfo:
    while (info := await client.download_info(job)).finished_at is None:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.05)
    return info


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
            info = await ended(client, job)
            assert (info.state, (await client.verify("org/model")).damaged) == ("done", [])
    assert hub.served[WEIGHTS] <= repo.files[WEIGHTS].size + ON_ITS_WAY
    assert hub.requests(WEIGHTS)[-1].range is not None


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
    assert hub.served[WEIGHTS] == repo.files[WEIGHTS].size


async def fetched(service: RunningService) -> DownloadInfo:
    async with service.client() as client:
        return await ended(client, (await client.download(DownloadRequest("org/model"))).job_id)


async def test_offline_makes_no_connection_at_all(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(LISTENER, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("HEARD", str(tmp_path / "heard"))
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    hub.add("org/model", model_files())
    with running_service(tmp_path / "data", hub_endpoint=hub.url) as service:
        async with service.client() as client:
            await client.change_settings({"offline": True})
            before = outbound(tmp_path / "heard")  # where it listens itself
            info = await ended(client, (await client.download(DownloadRequest("org/model"))).job_id)
            assert (await client.hub_account()).user is None
            assert await client.connections() == []
            assert info.error is not None
            assert info.error.code == "offline"
            assert outbound(tmp_path / "heard") == before
            assert hub.seen == []
            await client.change_settings({"offline": False})
            await client.retry_download(info.job_id)
            await ended(client, info.job_id)
    assert len(outbound(tmp_path / "heard")) > len(before)  # the same process is heard once the switch is off


def outbound(heard: Path) -> list[str]:
    """What the listener heard leave the process."""
    return heard.read_text("utf-8").splitlines() if heard.exists() else []
