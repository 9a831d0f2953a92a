"""The service's side of the hub: its one connection, what is listed there, and the downloads; put together and owned here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sidecar.config import Settings
from sidecar.db import Database
from sidecar.downloads.downloading import Downloader
from sidecar.downloads.fetching import Fetcher
from sidecar.downloads.parts import Parts
from sidecar.downloads.queue import AT_ONCE, DownloadQueue
from sidecar.downloads.store import DownloadStore
from sidecar.errors import HubRefused, InglenookError
from sidecar.events import EventBus
from sidecar.hub.connection import HubConnection
from sidecar.hub.listing import Listing
from sidecar.hub.token import TokenKeeper
from sidecar.hub.transfer import Throttle
from sidecar.paths import Paths
from sidecar.registry.manifest import Manifests
from sidecar.runtime.arrivals import Arrivals
from sidecar.types import Connection, HubAccount

LARGEST_PARALLEL = 16  # files of one model, as the setting's bound says
KB = 1000


class Hub:
    """`settings()` gives those in force."""

    def __init__(
        self,
        database: Database,
        paths: Paths,
        models_dir: Path,
        events: EventBus,
        settings: Callable[[], Settings],
        arrivals: Arrivals,
    ) -> None:
        self.tokens = TokenKeeper(paths.hub_token)
        self.connection = HubConnection(settings, self.tokens)
        self.listing = Listing(self.connection)
        self.manifests = Manifests(models_dir)
        self.parts = Parts(self.manifests)
        self._threads = ThreadPoolExecutor(AT_ONCE * LARGEST_PARALLEL + 2, thread_name_prefix="download")
        self.throttle = Throttle(lambda: settings().download_limit_kb_s * KB)
        fetcher = Fetcher(self.connection, self.manifests, self.parts, self.throttle)
        downloader = Downloader(
            self.listing, fetcher, self.manifests, self._threads, settings, arrivals.convert, arrivals.register
        )
        self.downloads = DownloadQueue(DownloadStore(database), downloader, events)

    async def open(self) -> None:
        """Go on with the downloads that were under way."""
        await self.downloads.open()

    async def close(self) -> None:
        await self.downloads.close()
        await asyncio.to_thread(self.connection.close)
        self._threads.shutdown(wait=False)

    def connections(self) -> list[Connection]:
        """Every outbound request since the service started, the newest first."""
        return self.connection.records()

    async def account(self) -> HubAccount:
        """Whether there is a token, and whose: null when the hub cannot be asked now."""
        token, kept_in = await asyncio.to_thread(self.tokens.find)
        return HubAccount(bool(token), kept_in, await self._user() if token else None)

    async def set_token(self, token: str) -> HubAccount:
        """Keep a token after the hub accepted it; an empty one forgets it. Raises HubRefused when it is not valid."""
        before, _ = await asyncio.to_thread(self.tokens.find)
        await asyncio.to_thread(self.tokens.set, token)
        try:
            user = await asyncio.to_thread(self.listing.user)
        except HubRefused as error:
            if error.details.get("status") == 401:
                await asyncio.to_thread(self.tokens.set, before)
                raise
            user = None
        except InglenookError:
            user = None  # it is kept, and proves itself with the first download
        found, kept_in = await asyncio.to_thread(self.tokens.find)
        return HubAccount(bool(found), kept_in, user)

    async def _user(self) -> str | None:
        try:
            return await asyncio.to_thread(self.listing.user)
        except InglenookError:
            return None
