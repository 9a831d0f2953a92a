"""The client's calls for importing models from this machine or an address, and for exporting them."""

from __future__ import annotations

from sidecar.client.wire import Wire, of
from sidecar.types import (
    ExportRequest,
    FromUrlRequest,
    FromUrlStarted,
    Importable,
    ImportRequest,
    JobStarted,
)


class ImportCalls(Wire):
    """Errors as everywhere in the client."""

    async def found_imports(self, path: str | None = None) -> list[Importable]:
        """The models that other programs keep on this machine, or those that importing `path` would bring."""
        content = await self._request("GET", "/imports/found", query={"path": path})
        return self._decoded(content, list[Importable])

    async def import_models(self, request: ImportRequest) -> JobStarted:
        """Begin an import; follow it with `job` or among the events. What came of it is in the job's `models`."""
        return await self._send("POST", "/imports", request, JobStarted)

    async def pull_url(self, request: FromUrlRequest) -> FromUrlStarted:
        """Fetch from an address; follow it with `download_info` or `job`, as its `kind` says."""
        return await self._send("POST", "/models/from-url", request, FromUrlStarted)

    async def export(self, model_id: str, request: ExportRequest) -> JobStarted:
        """Begin to write a model into one file; follow it with `job`."""
        return await self._send("POST", of(model_id, "export"), request, JobStarted)
