"""The client's calls for models that could be fetched, and for the small ones."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from sidecar.client.wire import Wire
from sidecar.types import (
    CatalogueDetail,
    CataloguePage,
    CatalogueQuery,
    LightweightDownload,
    LightweightModels,
    LightweightStarted,
    LightweightStartRequest,
    LightweightStatus,
    Recommendation,
    StatusResponse,
)


class CatalogueCalls(Wire):
    """Errors as everywhere in the client."""

    async def catalogue(self, query: CatalogueQuery | None = None) -> CataloguePage:
        """Models that could be fetched, and how they suit this machine."""
        asked = {} if query is None else msgspec.to_builtins(query)
        return self._decoded(await self._request("GET", "/catalogue", query=asked), CataloguePage)

    async def catalogue_detail(
        self, repository: str, revision: str | None = None, *, fresh: bool = False
    ) -> CatalogueDetail:
        """One model; with `fresh` the hub is asked even if it has told lately."""
        path, asked = f"/catalogue/{quote(repository, safe='')}", {"revision": revision, "fresh": fresh or None}
        return self._decoded(await self._request("GET", path, query=asked), CatalogueDetail)

    async def recommended(self) -> list[Recommendation]:
        """The one model for each task that suits this machine best."""
        return await self._get("/catalogue/recommended", list[Recommendation])

    async def lightweight_models(self) -> LightweightModels:
        return await self._get("/lightweight/models", LightweightModels)

    async def download_lightweight(self, key: str) -> LightweightDownload:
        """Put a small model in line to be fetched; follow it with `download_info`."""
        return await self._send(
            "POST", f"/lightweight/models/{quote(key, safe='')}/download", None, LightweightDownload
        )

    async def start_lightweight(self, port: int | None = None) -> LightweightStarted:
        """Open a second port that serves only small models."""
        return await self._send("POST", "/lightweight/start", LightweightStartRequest(port), LightweightStarted)

    async def stop_lightweight(self) -> StatusResponse:
        return await self._send("POST", "/lightweight/stop", None, StatusResponse)

    async def lightweight_status(self) -> LightweightStatus:
        return await self._get("/lightweight/status", LightweightStatus)
