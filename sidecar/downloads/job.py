"""One download while the service lives: how far each file is, how quick it is, and whether it should stop.

Threads that fetch write plain numbers into it; the event loop reads them.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import msgspec

from sidecar.downloads.store import Row
from sidecar.hub.stopping import Stop
from sidecar.types import DownloadFile, DownloadInfo, DownloadRequest, DownloadState, RemoteFile

SPEED_SECONDS = 5.0
ENDED: tuple[DownloadState, ...] = ("done", "failed", "cancelled")


class Job:
    """A download's request and its info. `stop` is set to make its threads end; `stopped_for` is the state it then gets."""

    def __init__(self, request: DownloadRequest, info: DownloadInfo) -> None:
        self.request = request
        self.info = info
        self.stop = Stop()
        self.stopped_for: DownloadState = "queued"
        self.announced = tuple(RemoteFile(file.path, file.bytes, file.sha256, file.git_id) for file in info.files)
        self._files: dict[str, DownloadFile] = {file.path: file for file in info.files}
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def id(self) -> str:
        return self.info.job_id

    @property
    def row(self) -> Row:
        return Row(self.request, self.snapshot())

    @property
    def ended(self) -> bool:
        return self.info.state in ENDED

    def halt(self, state: DownloadState) -> None:
        """Make its threads end; it is then in `state`."""
        self.stopped_for = state
        self.stop.set()

    def change(self, **fields: Any) -> None:
        self.info = msgspec.structs.replace(self.info, **fields)

    def expect(self, files: tuple[RemoteFile, ...]) -> None:
        """These are the files it consists of."""
        self.announced = files
        self._files = {file.path: _not_yet(file) for file in files}
        self.change(bytes_total=sum(file.bytes for file in files))

    def file(self, path: str, **fields: Any) -> None:
        """A file got on; `done` in bytes from its beginning."""
        self._files[path] = msgspec.structs.replace(self._files[path], **fields)

    def done_of(self, path: str) -> int:
        return self._files[path].done

    def size_of(self, path: str) -> int:
        return self._files[path].bytes

    def snapshot(self) -> DownloadInfo:
        """The info with the files as they stand now."""
        files = list(self._files.values())
        done = sum(file.done for file in files)
        fetched = done - sum(file.reused for file in files)
        speed = self._speed(fetched) if self.info.state == "downloading" else None
        left = self.info.bytes_total - done
        eta = round(left / speed, 1) if speed else None
        return msgspec.structs.replace(self.info, files=files, bytes_done=done, speed=speed, eta_s=eta)

    def _speed(self, fetched: int) -> float | None:
        """Bytes a second over the last seconds; None before there is anything to measure."""
        now = time.monotonic()
        self._samples.append((now, fetched))
        while now - self._samples[0][0] > SPEED_SECONDS:
            self._samples.popleft()
        (began, before), seconds = self._samples[0], now - self._samples[0][0]
        return round(max(0, fetched - before) / seconds, 1) if seconds > 0 and began < now else None


def _not_yet(file: RemoteFile) -> DownloadFile:
    return DownloadFile(file.path, file.bytes, 0, sha256=file.sha256, git_id=file.git_id)
