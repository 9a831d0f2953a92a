"""Models on their way here: start, follow, pause, resume, cancel, retry; and whether a model's files are still whole."""

from __future__ import annotations

from sidecar import errors
from sidecar.downloads.queue import DownloadQueue
from sidecar.routes.call import MODEL_ID, Answer, Call, Route
from sidecar.types import DownloadInfo, DownloadRequest, DownloadStarted, DownloadUpdate, VerifyResponse


async def start(call: Call, body: DownloadRequest) -> Answer:
    return DownloadStarted((await _queue(call).add(body)).job_id)


async def list_downloads(call: Call) -> Answer:
    return _queue(call).all()


async def show_download(call: Call) -> Answer:
    return _queue(call).get(_job(call))


async def change(call: Call, body: DownloadUpdate) -> Answer:
    return await _queue(call).prioritise(_job(call), body.priority)


async def forget(call: Call) -> Answer:
    return await _queue(call).forget(_job(call))


async def pause(call: Call) -> Answer:
    return await _queue(call).pause(_job(call))


async def resume(call: Call) -> Answer:
    return await _queue(call).resume(_job(call))


async def cancel(call: Call) -> Answer:
    return await _queue(call).cancel(_job(call))


async def retry(call: Call) -> Answer:
    return await _queue(call).retry(_job(call))


async def verify_download(call: Call) -> Answer:
    """The model that came of it."""
    info = _queue(call).get(_job(call))
    if info.model_id is None:
        raise errors.Conflict(f"The download {info.job_id} is {info.state}; its files are verified when they are here.")
    return await call.manager.verify(info.model_id)


async def verify(call: Call) -> Answer:
    return await call.manager.verify(call.model_id)


def _queue(call: Call) -> DownloadQueue:
    return call.manager.hub.downloads


def _job(call: Call) -> str:
    return call.request.match_info["job_id"]


_JOB = "/downloads/{job_id}"
_GROUP = "Downloads"
_NOT_FOUND = (errors.DownloadNotFound,)
_NOT_NOW = (errors.DownloadNotFound, errors.Conflict)
_VERIFY_ERRORS = (errors.InvalidRequest, errors.ModelNotFound, errors.EnvironmentFault)
ROUTES = [
    Route(
        "POST",
        "/downloads",
        start,
        _GROUP,
        "Put a model of the hub in line to be fetched, verified and made known; the same again is the one there is.",
        (DownloadStarted,),
        body=DownloadRequest,
        errors=(errors.InvalidRequest, errors.DatabaseUnusable, errors.DiskFull),
    ),
    Route("GET", "/downloads", list_downloads, _GROUP, "Every download, the newest first.", (list[DownloadInfo],)),
    Route("GET", _JOB, show_download, _GROUP, "One download, file by file.", (DownloadInfo,), errors=_NOT_FOUND),
    Route("PUT", _JOB, change, _GROUP, "Change its priority.", (DownloadInfo,), body=DownloadUpdate, errors=_NOT_FOUND),
    Route("DELETE", _JOB, forget, _GROUP, "Take one that has ended off the list.", (DownloadInfo,), errors=_NOT_NOW),
    Route(
        "POST",
        f"{_JOB}/pause",
        pause,
        _GROUP,
        "Stop it for now; what has arrived stays.",
        (DownloadInfo,),
        errors=_NOT_NOW,
    ),
    Route(
        "POST", f"{_JOB}/resume", resume, _GROUP, "Go on at the byte where it was.", (DownloadInfo,), errors=_NOT_NOW
    ),
    Route(
        "POST",
        f"{_JOB}/cancel",
        cancel,
        _GROUP,
        "End it and delete what has arrived. One that has ended stays as it is.",
        (DownloadInfo,),
        errors=_NOT_FOUND,
    ),
    Route("POST", f"{_JOB}/retry", retry, _GROUP, "Begin one that failed anew.", (DownloadInfo,), errors=_NOT_NOW),
    Route(
        "POST",
        f"{_JOB}/verify",
        verify_download,
        _GROUP,
        "Verify the model that came of it.",
        (VerifyResponse,),
        errors=(*_VERIFY_ERRORS, *_NOT_NOW),
    ),
    Route(
        "POST",
        f"/models/{MODEL_ID}/verify",
        verify,
        _GROUP,
        "Compare every file with its hash; what is damaged is set aside and fetched again.",
        (VerifyResponse,),
        errors=_VERIFY_ERRORS,
    ),
]
