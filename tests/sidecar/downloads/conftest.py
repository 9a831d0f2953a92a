"""A download queue with everything behind it, in this process, on a hub that may misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from huggingface_hub import constants

from sidecar.config import Settings
from sidecar.db import Database
from sidecar.downloads.downloading import Downloader
from sidecar.downloads.fetching import Fetcher
from sidecar.downloads.parts import Parts
from sidecar.downloads.queue import DownloadQueue
from sidecar.downloads.store import DownloadStore
from sidecar.events import EventBus
from sidecar.hub.choosing import FileSet
from sidecar.hub.connection import HubConnection
from sidecar.hub.listing import Listing, Repository
from sidecar.hub.token import TokenKeeper
from sidecar.hub.transfer import Patience, Throttle
from sidecar.registry.inspect import inspect
from sidecar.registry.manifest import Manifests
from sidecar.registry.store import ModelOptions, ModelStore
from sidecar.types import DownloadInfo, DownloadRequest, Origin
from tests.helpers.hub import HubServer, hub_server

PATIENCE_SECONDS = 30.0
QUICK = Patience(tries=3, first_s=0.01, longest_s=1.0)


@dataclass
class Yard:
    """One installation's downloads. `settings` may be replaced at any time."""

    queue: DownloadQueue
    store: ModelStore
    manifests: Manifests
    connection: HubConnection
    settings: Settings
    events: EventBus

    @property
    def models_dir(self) -> Path:
        return self.manifests.models_dir

    def set(self, **settings: Any) -> None:
        self.settings = msgspec.structs.replace(self.settings, **settings)

    async def ended(self, job_id: str) -> DownloadInfo:
        return await self.until(job_id, lambda info: info.finished_at is not None)

    async def until(self, job_id: str, there: Callable[[DownloadInfo], bool]) -> DownloadInfo:
        """The download once it is `there`."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not there(info := self.queue.get(job_id)):  # noqa: ASYNC110 - threads change it between events
                await asyncio.sleep(0.01)
        return info

    async def fetch(self, model: str = "org/model", **fields: Any) -> DownloadInfo:
        """The download of a model, once it has ended."""
        return await self.ended((await self.queue.add(DownloadRequest(model, **fields))).job_id)

    def leftovers(self) -> list[str]:
        """What is left of contents on their way."""
        return sorted(file.name for file in (self.models_dir / ".partial").glob("*") if file.suffix != ".lock")


OpenYard = Callable[..., Any]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with hub_server() as server:
        yield server


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of the hub's library, empty and of this test alone."""
    folder = tmp_path / "hub-cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
async def open_yard(
    hub: HubServer, hub_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OpenYard]:
    """`await open_yard("a")`: an installation of its own name; the models folder is shared unless `models_dir` is given."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    async with AsyncExitStack() as stack:

        async def opened(name: str = "data", models_dir: Path | None = None, **settings: Any) -> Yard:
            made = Settings(hub_endpoint=hub.url, network_timeout_s=0.5, **settings)
            return await stack.enter_async_context(_yard(tmp_path / name, models_dir or tmp_path / "models", made))

        yield opened


@pytest.fixture
async def yard(open_yard: OpenYard) -> Yard:
    opened: Yard = await open_yard()
    return opened


@asynccontextmanager
async def _yard(folder: Path, models_dir: Path, settings: Settings) -> AsyncIterator[Yard]:
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    database = await Database.open(folder / "downloads.db")
    store = await ModelStore.open(database, folder / "no-models")

    async def register(name: str | None, repository: Repository, chosen: FileSet, path: Path, origin: Origin) -> str:
        seen = await asyncio.to_thread(inspect, path)
        return (await store.add(name or repository.id, seen.types[0], path, ModelOptions(), origin)).id

    async def convert(model: str, folder: Path, report: Callable[[str, float], None]) -> None:
        raise AssertionError("nothing here is converted")

    connection = HubConnection(lambda: yard.settings, TokenKeeper(folder / "token"))
    manifests = Manifests(models_dir)
    throttle = Throttle(lambda: yard.settings.download_limit_kb_s * 1000)
    fetcher = Fetcher(connection, manifests, Parts(manifests), throttle, QUICK)
    with ThreadPoolExecutor(8) as threads:
        downloader = Downloader(
            Listing(connection), fetcher, manifests, threads, lambda: yard.settings, convert, register
        )
        events = EventBus()
        queue = DownloadQueue(DownloadStore(database), downloader, events, waits=(0.2,))
        yard = Yard(queue, store, manifests, connection, settings, events)
        await queue.open()
        try:
            yield yard
        finally:
            await queue.close()
            connection.close()
            await database.close()
