"""One GGUF file from an address: fetched into a place of its own, where a later attempt goes on."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import filelock
import msgspec
from msgspec import Struct

from sidecar.errors import Conflict, HubRefused, IntegrityFailed
from sidecar.hub.connection import HubConnection
from sidecar.hub.faults import refused
from sidecar.hub.transfer import DEFAULT_PATIENCE, Patience, Throttle, Transfer
from sidecar.imports.progress import Progress
from sidecar.imports.source import Source, SourceFile
from sidecar.imports.staging import ARRIVING, LOCK, LOOKED_AT_SECONDS, writing
from sidecar.imports.urls import Elsewhere
from sidecar.registry.manifest import IMPORTING
from sidecar.types import RemoteFile

_RANGE = re.compile(r"bytes 0-0/(\d+)")


class Announced(Struct):
    """What the server says of the file: its size, and a mark that changes with it where it has one."""

    bytes: int
    mark: str


@dataclass(frozen=True)
class Arrival:
    """A file from an address that is whole. `forget` it once it is imported."""

    place: Path
    bytes: int

    def source(self, wanted: Elsewhere, sha256: str | None) -> Source:
        file = SourceFile(wanted.file, self.place, self.bytes, sha256, ours=True)
        return Source("gguf", Path(wanted.file).stem, self.place, (file,), entry=wanted.file, address=wanted.url)

    def forget(self) -> None:
        _forget(self.place)


@dataclass(frozen=True)
class FileFetcher:
    """Fetches by `connection`, whose rules hold: offline, proxy, certificates, the list of what was asked."""

    connection: HubConnection
    throttle: Throttle
    patience: Patience = DEFAULT_PATIENCE

    def announced(self, wanted: Elsewhere) -> Announced:
        """Asks for the first byte alone. Raises Offline, NetworkUnavailable, HubRefused."""
        host = urlsplit(wanted.url).netloc
        with (
            self.connection.purpose(f"the size of {wanted.file}", to=wanted.url),
            self.connection.open(wanted.url, {"Accept-Encoding": "identity", "Range": "bytes=0-0"}) as response,
        ):
            if response.status_code not in {200, 206}:
                raise refused(host, response)
            found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            size = found[1] if found else response.headers.get("Content-Length", "")
            if not size.isdecimal() or (response.status_code == 206 and not found):
                raise HubRefused(host=host, answer="without a size", reason="so what arrives could not be checked.")
            return Announced(int(size), response.headers.get("ETag") or response.headers.get("Last-Modified") or "")

    def fetch(self, wanted: Elsewhere, announced: Announced, models_dir: Path, progress: Progress) -> Arrival:
        """Have the file here, whole by its size. Raises Stopped, Conflict, IntegrityFailed, and what a transfer raises."""
        place = place_of(wanted, models_dir)
        with writing(models_dir):
            place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place, wanted):
            self._begin(place, announced)
            progress.begin("fetching", announced.bytes)
            progress.reached(place.stat().st_size if place.exists() else 0)
            file = RemoteFile(wanted.file, announced.bytes)
            transfer = Transfer(
                self.connection, wanted.url, file, place, progress.stop, progress.reached, self.throttle, self.patience,
                direct=True,
            )  # fmt: skip
            try:
                transfer.run()
            except IntegrityFailed:
                _forget(place)
                raise
        return Arrival(place, announced.bytes)

    def _begin(self, place: Path, announced: Announced) -> None:
        """What an earlier attempt left is used only if the server's file is still the same."""
        note = place.with_suffix(".json")
        told = msgspec.json.encode(announced)
        with writing(place.parent):
            if not note.exists() or note.read_bytes() != told:
                place.unlink(missing_ok=True)
                note.write_bytes(told)


@contextmanager
def _alone(place: Path, wanted: Elsewhere) -> Iterator[None]:
    """Raises Conflict while somebody else fetches it, here or in another service on the same folder."""
    lock = filelock.FileLock(place.with_suffix(LOCK), thread_local=False)
    try:
        lock.acquire(timeout=LOOKED_AT_SECONDS)
    except filelock.Timeout:
        raise Conflict(f"{wanted.url} is being fetched already.", reason="it is being fetched") from None
    try:
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):  # on Windows an open file cannot be deleted
            place.with_suffix(LOCK).unlink()


def place_of(wanted: Elsewhere, models_dir: Path) -> Path:
    name = hashlib.sha256(wanted.url.encode()).hexdigest()[:24]
    return models_dir / IMPORTING / ARRIVING / f"{name}.part"


def _forget(place: Path) -> None:
    for one in (place, place.with_suffix(".json")):
        one.unlink(missing_ok=True)


def abandon(wanted: Elsewhere, models_dir: Path) -> None:
    """Delete what has arrived of a file that nobody wants any more."""
    _forget(place_of(wanted, models_dir))
