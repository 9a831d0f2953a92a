"""One file of a download: used from where it is on this machine already, else fetched, and verified before it counts.

Everything here blocks: call it in a thread.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from sidecar.downloads.job import Job
from sidecar.downloads.parts import Parts
from sidecar.errors import IntegrityFailed
from sidecar.hub import cache, hashing
from sidecar.hub.connection import HubConnection
from sidecar.hub.listing import Repository
from sidecar.hub.stopping import Stopped
from sidecar.hub.transfer import DEFAULT_PATIENCE, Patience, Throttle, Transfer
from sidecar.registry.manifest import Manifests
from sidecar.types import RemoteFile

TRIES = 2  # of a file that arrives damaged


class Fetcher(Struct, frozen=True):
    """Brings contents into `parts`, by `connection`."""

    connection: HubConnection
    manifests: Manifests
    parts: Parts
    throttle: Throttle
    patience: Patience = DEFAULT_PATIENCE

    def obtain(self, job: Job, repository: Repository, file: RemoteFile) -> None:
        """Have `file` whole and verified in the download's staging folder.

        Raises Stopped, IntegrityFailed, DiskFull, EnvironmentFault, NetworkUnavailable, HubRefused, Offline.
        """
        job.stop.check()
        with self.parts.locked(file, job.stop.is_set) as mine:
            if not mine:
                raise Stopped
            if self.parts.is_staged(job.id, file) or self.parts.whole(file).exists():
                job.file(file.path, done=file.bytes, reused=file.bytes)
            else:
                self._bring(job, repository, file)
            if not self.parts.is_staged(job.id, file):
                self.parts.stage(job.id, file)
            job.file(file.path, done=file.bytes, state="done")

    def _bring(self, job: Job, repository: Repository, file: RemoteFile) -> None:
        if (donor := self._on_this_machine(job, repository, file)) is not None:
            self.parts.take_over(donor, file)
            job.file(file.path, done=file.bytes, reused=file.bytes)
            return
        for attempt in range(1, TRIES + 1):
            self._fetch(job, repository, file)
            if (wrong := self._wrong(job, file)) is None:
                self.parts.verified(file)
                return
            self.parts.set_aside(file)
            if attempt == TRIES:
                raise IntegrityFailed(file=file.path, reason=wrong)

    def _on_this_machine(self, job: Job, repository: Repository, file: RemoteFile) -> Path | None:
        """A verified file with that content: another model's, or one in the cache of the hub's library."""
        if (donor := self.manifests.holder(file)) is not None:
            return donor
        cached = cache.held(repository, file.path)
        return cached if cached is not None and hashing.differs(cached, file, job.stop.check) is None else None

    def _fetch(self, job: Job, repository: Repository, file: RemoteFile) -> None:
        here = self.parts.here(job.id, file)
        job.file(file.path, state="downloading", done=here, reused=here)
        Transfer(
            self.connection,
            self.connection.file_url(repository.id, repository.commit, file.path),
            file,
            self.parts.part(file),
            job.stop,
            lambda place: job.file(file.path, done=place),
            self.throttle,
            self.patience,
        ).run()

    def _wrong(self, job: Job, file: RemoteFile) -> str | None:
        job.file(file.path, state="verifying", done=file.bytes)
        return hashing.differs(self.parts.part(file), file, job.stop.check)
