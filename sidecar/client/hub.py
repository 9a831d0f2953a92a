"""The client's calls for downloads, for verifying models, and for the way to the hub."""

from __future__ import annotations

from urllib.parse import quote

from sidecar.client.wire import Wire, of
from sidecar.types import (
    Connection,
    DownloadInfo,
    DownloadRequest,
    DownloadStarted,
    DownloadUpdate,
    HubAccount,
    HubToken,
    VerifyResponse,
)


class HubCalls(Wire):
    """Errors as everywhere in the client."""

    async def download(self, request: DownloadRequest) -> DownloadStarted:
        """Put a model in line to be fetched; follow it with `download_info` or among the events."""
        return await self._send("POST", "/downloads", request, DownloadStarted)

    async def downloads(self) -> list[DownloadInfo]:
        """The newest first."""
        return await self._get("/downloads", list[DownloadInfo])

    async def download_info(self, job_id: str) -> DownloadInfo:
        return await self._get(_job(job_id), DownloadInfo)

    async def pause_download(self, job_id: str) -> DownloadInfo:
        return await self._send("POST", _job(job_id, "pause"), None, DownloadInfo)

    async def resume_download(self, job_id: str) -> DownloadInfo:
        return await self._send("POST", _job(job_id, "resume"), None, DownloadInfo)

    async def cancel_download(self, job_id: str) -> DownloadInfo:
        """End it and delete what has arrived."""
        return await self._send("POST", _job(job_id, "cancel"), None, DownloadInfo)

    async def retry_download(self, job_id: str) -> DownloadInfo:
        return await self._send("POST", _job(job_id, "retry"), None, DownloadInfo)

    async def prioritise_download(self, job_id: str, priority: int) -> DownloadInfo:
        """Higher ones go first."""
        return await self._send("PUT", _job(job_id), DownloadUpdate(priority), DownloadInfo)

    async def forget_download(self, job_id: str) -> DownloadInfo:
        """Take one that has ended off the list; its model stays."""
        return await self._send("DELETE", _job(job_id), None, DownloadInfo)

    async def verify_download(self, job_id: str) -> VerifyResponse:
        return await self._send("POST", _job(job_id, "verify"), None, VerifyResponse)

    async def verify(self, model_id: str) -> VerifyResponse:
        """Compare every file with its hash; what is damaged is set aside and fetched again."""
        return await self._send("POST", of(model_id, "verify"), None, VerifyResponse)

    async def hub_account(self) -> HubAccount:
        return await self._send("GET", "/hub/token", None, HubAccount)

    async def set_hub_token(self, token: str) -> HubAccount:
        """An empty one forgets it."""
        return await self._send("PUT", "/hub/token", HubToken(token), HubAccount)

    async def connections(self) -> list[Connection]:
        """Every outbound request since the service started, the newest first."""
        return await self._get("/hub/connections", list[Connection])


def _job(job_id: str, action: str = "") -> str:
    path = f"/downloads/{quote(job_id, safe='')}"
    return f"{path}/{action}" if action else path
