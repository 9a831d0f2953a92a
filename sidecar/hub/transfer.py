"""Fetches one file into one place: goes on at the byte where it stopped, waits when it is asked to, gives up in words.

It trusts nothing but sizes: whether what arrived is right is the caller's to check, by its hash.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from sidecar import disk
from sidecar.errors import DiskFull, EnvironmentFault, HubRefused, InglenookError, IntegrityFailed
from sidecar.hub.connection import HubConnection
from sidecar.hub.faults import is_transient, refused
from sidecar.hub.stopping import Stop
from sidecar.types import RemoteFile

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger(__name__)
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class Patience(Struct, frozen=True):
    """`tries`: attempts in a row that bring nothing. Waits double from `first_s`; a hub that asks for more than `longest_s`
    is left to come back to later."""

    tries: int = 5
    first_s: float = 0.5
    longest_s: float = 60.0

    def wait(self, failures: int) -> float:
        return min(self.first_s * 2.0 ** (failures - 1), self.longest_s)


DEFAULT_PATIENCE = Patience()


class Throttle:
    """A limit of bytes a second that all transfers share. `limit()` gives it, 0 for none."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._free_at = 0.0

    def delay(self, count: int) -> float:
        """Seconds to wait before taking in more, after `count` bytes."""
        limit = self._limit()
        if limit <= 0:
            return 0.0
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + count / limit
            return self._free_at - now


@dataclass
class Transfer:
    """One file's way here. `stop` ends it; `arrived(place)` hears how much of the file is here.

    `direct`: the user gave the address, which need not be the hub's.
    """

    connection: HubConnection
    url: str
    file: RemoteFile
    target: Path
    stop: Stop
    arrived: Callable[[int], None]
    throttle: Throttle
    patience: Patience = DEFAULT_PATIENCE
    direct: bool = False

    def run(self) -> None:
        """Fetch what is missing. Raises Stopped, DiskFull, IntegrityFailed, NetworkUnavailable, HubRefused, Offline."""
        failures = 0
        while (before := self._here()) != self.file.bytes or not self.target.exists():
            try:
                self._attempt(before)
            except InglenookError as error:
                failures = 0 if self._here() > before else failures + 1
                self._bear(error, failures)

    def _here(self) -> int:
        return self.target.stat().st_size if self.target.exists() else 0

    def _bear(self, error: InglenookError, failures: int) -> None:
        """Wait before the next attempt, or raise `error` where another one cannot help."""
        self.stop.check()
        if not is_transient(error) or failures >= self.patience.tries:
            raise error
        seconds = error.details.get("retry_after") or self.patience.wait(max(failures, 1))
        if seconds > self.patience.longest_s:
            raise error
        log.info("%s: %s Trying again in %.1f s.", self.file.path, error.message, seconds)
        self.stop.pause(seconds)

    def _attempt(self, start: int) -> None:
        self.stop.check()
        if start > self.file.bytes:
            self._begin_again()
            start = 0
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        purpose = f"{self.file.path} of {self.url.partition('/resolve/')[0].partition('://')[2].partition('/')[2]}"
        with (
            self.connection.purpose(purpose, to=self.url if self.direct else None),
            self.connection.open(self.url, headers) as response,
            self.stop.ends(response),
        ):
            self._take(response, start)

    def _take(self, response: httpx2.Response, start: int) -> None:
        if response.status_code == 416:  # the server's file ends before our part does
            self._begin_again()
            raise HubRefused(
                host=response.url.host, answer=416, reason="what is here is longer than its file.", status=503
            )
        if response.status_code not in {200, 206}:
            raise refused(response.url.netloc.decode("ascii"), response)
        place = self._place(response, start)
        with self._opened() as stream:
            stream.seek(place)
            stream.truncate()
            self._write(response, stream, place)

    def _place(self, response: httpx2.Response, start: int) -> int:
        """Where in the file the answer begins. Raises IntegrityFailed when the hub's file has another length."""
        place, total = 0, response.headers.get("Content-Length", "*")
        if response.status_code == 206:
            found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != start:
                self._begin_again()
                raise IntegrityFailed(file=self.file.path, reason="another part of it came than was asked for")
            place, total = start, found[2]
        if total != "*" and int(total) != self.file.bytes:
            raise IntegrityFailed(
                file=self.file.path, reason=f"it has {total} bytes instead of {self.file.bytes}", length=int(total)
            )
        return place

    def _write(self, response: httpx2.Response, stream: BinaryIO, place: int) -> None:
        for piece in response.iter_raw():
            if place + len(piece) > self.file.bytes:
                raise IntegrityFailed(file=self.file.path, reason=f"more than its {self.file.bytes} bytes came")
            try:
                stream.write(piece)
            except OSError as error:
                raise _disk_fault(self.target, error) from error
            place += len(piece)
            self.arrived(place)
            self.stop.check()
            if (seconds := self.throttle.delay(len(piece))) > 0:
                self.stop.pause(seconds)

    def _opened(self) -> BinaryIO:
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.target.touch()
            return self.target.open("r+b", buffering=0)
        except OSError as error:
            raise _disk_fault(self.target, error) from error

    def _begin_again(self) -> None:
        self.target.unlink(missing_ok=True)
        self.arrived(0)


def _disk_fault(path: Path, error: OSError) -> EnvironmentFault:
    if disk.is_full(error):
        return DiskFull(
            f"The disk that holds {path.parent} is full. What has arrived is kept: free some space and try again.",
            path=str(path.parent),
        )
    return EnvironmentFault(f"{path} cannot be written: {error.strerror or error}.", path=str(path))
