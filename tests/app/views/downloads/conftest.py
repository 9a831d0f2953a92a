"""The Downloads view in the real window, with one real service and one hub for a module's tests."""

import pytest

from sidecar.client import Client
from sidecar.types import DownloadRequest
from tests.helpers.hub import hub_server, model_files
from tests.helpers.service import running_service
from tests.helpers.window_bench import WindowBench

READS = {"pipeline_tag": "text-classification", "tags": ["safetensors"]}


@pytest.fixture(scope="module")
def hub():
    with hub_server() as server:
        yield server


@pytest.fixture(scope="module")
def served(hub, tmp_path_factory):
    with running_service(tmp_path_factory.mktemp("served"), hub_endpoint=hub.url, network_timeout_s=1) as service:
        yield service.paths


@pytest.fixture(autouse=True)
async def _as_before(served, hub):
    """No download, no limit and no fault is left for the next test."""
    yield
    hub.rate = 0
    async with Client.connect(served) as client:
        await client.change_settings({"offline": None, "download_limit_kb_s": None})
        for info in await client.downloads():
            await client.cancel_download(info.job_id)
            await client.forget_download(info.job_id)


@pytest.fixture
async def bench(served, until):
    made = WindowBench(served, until, "downloads")
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def fetch(bench, hub, until):
    """Put a model in line; returns its repository once the window knows of it."""
    count = iter(range(1000))

    async def fetch_(name, size=2_000_000, **fields):
        repository = f"org/{name}"
        hub.add(repository, model_files(size, seed=int.from_bytes(name.encode()) + next(count)), info=READS, **fields)
        await bench.session.client.download(DownloadRequest(repository))
        await until(lambda: bench.session.downloads.of(repository) is not None)
        bench.view.use_model(repository)
        return repository

    return fetch_
