"""How one model comes here: ask the hub, choose the files, refuse what is unsafe, fetch, verify, convert, place, register.

Nothing is registered, and so nothing can be loaded, before every hash holds.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import TypeVar

from sidecar import disk
from sidecar.config import Settings
from sidecar.downloads import placing
from sidecar.downloads.fetching import Fetcher
from sidecar.downloads.job import Job
from sidecar.downloads.placing import Places
from sidecar.errors import EnvironmentFault, Gated, InglenookError
from sidecar.hub import cache, choosing, hashing, safety
from sidecar.hub.choosing import FileSet
from sidecar.hub.listing import Listing, Repository
from sidecar.registry.manifest import Manifests
from sidecar.types import Origin, RemoteFile

T = TypeVar("T")
STOP_NOTICED_SECONDS = 0.2
Convert = Callable[[str, Path, Callable[[str, float], None]], Awaitable[None]]
Register = Callable[[str | None, Repository, FileSet, Path, Origin], Awaitable[str]]


class Downloader:
    """Runs downloads. `convert(model, folder, report)` makes safetensors of the pickled weights in a folder;
    `register(name, repository, chosen, path, origin)` makes a model known and returns its id."""

    def __init__(
        self,
        listing: Listing,
        fetcher: Fetcher,
        manifests: Manifests,
        threads: Executor,
        settings: Callable[[], Settings],
        convert: Convert,
        register: Register,
    ) -> None:
        self._listing = listing
        self._fetcher = fetcher
        self._manifests = manifests
        self._threads = threads
        self._settings = settings
        self._convert = convert
        self._register = register

    async def run(self, job: Job) -> str:
        """Bring the model here; returns its id. Raises Stopped, and every error that a download may end with."""
        repository, chosen = await _unless_stopped(job, self._checked(job))
        if (folder := await self._thread(self._in_cache, job, repository, chosen)) is not None:
            job.change(message="It was in the cache of the hub's library and stays there.")
            return await self._register(job.request.name, repository, chosen, _entry(folder, chosen), "hub_cache")
        staging = self._fetcher.parts.staging(job.id)
        places = Places.of(self._manifests.models_dir, staging, repository, chosen)
        files = await self._thread(placing.missing, self._manifests, places.target, chosen)
        await self._thread(self._check_room, job, files)
        await self._fetch(job, repository, files)
        await self._place(job, places, repository, chosen, files)
        model_id = await self._registered(job, places, repository, chosen, new=len(files) == len(chosen.files))
        await self._thread(self._tidy, chosen.files)  # also what a kill before this line left
        return model_id

    async def forget(self, job: Job, others: Sequence[Job]) -> None:
        """Delete what has arrived of a download that nobody wants any more, but for what `others` want too."""
        wanted = {hashing.key(file) for other in others for file in other.announced}
        await self._thread(partial(shutil.rmtree, self._fetcher.parts.staging(job.id), ignore_errors=True))
        await self._thread(self._tidy, [file for file in job.announced if hashing.key(file) not in wanted])

    # ---- before -----------------------------------------------------------------------------------------------------

    async def _checked(self, job: Job) -> tuple[Repository, FileSet]:
        """The repository and what to fetch of it, if nothing speaks against it."""
        request = job.request
        repository = await self._thread(self._listing.repository, request.model, job.info.commit or request.revision)
        chosen = choosing.choose(repository, request.variant, request.files)
        safety.check(repository, chosen, request.allow)
        for file in chosen.files:
            hashing.key(file)
        job.expect(chosen.files)
        job.change(commit=repository.commit, variant=chosen.name, warnings=_warnings(repository))
        await self._check_access(repository)
        return repository, chosen

    async def _check_access(self, repository: Repository) -> None:
        access = await self._thread(self._listing.access, repository)
        if access == "open":
            return
        url = self._listing.access_url(repository.id)
        todo = f"Open {url}, accept it there, then start the download again."
        if access == "needs_token":
            todo = (
                f"Open {url}, accept it there, create a token that may read it, store that with 'inglenook hub login',"
                " then start the download again."
            )
        raise Gated(model=repository.id, todo=todo, access=access, url=url)

    def _check_room(self, job: Job, files: Sequence[RemoteFile]) -> None:
        """Raises DiskFull with the numbers, before anything is fetched."""
        parts, linked = self._fetcher.parts, self._manifests.holder
        ahead = sum(file.bytes - parts.here(job.id, file) for file in files if linked(file) is None)
        ahead += sum(file.bytes for file in placing.pickles(files))  # beside what they are converted to
        todo = "Free some space, or choose another folder with the setting models_dir, then retry."
        disk.require_room(ahead, self._manifests.models_dir, what="The download", todo=todo)

    def _in_cache(self, job: Job, repository: Repository, chosen: FileSet) -> Path | None:
        """The folder of the hub library's cache, if it has everything, whole, and nothing that must be converted."""
        if placing.pickles(chosen.files) or (folder := cache.snapshot(repository, chosen)) is None:
            return None
        for file in chosen.files:
            job.file(file.path, state="verifying")
            if hashing.differs(folder / file.path, file, job.stop.check) is not None:
                return None
            job.file(file.path, state="done", done=file.bytes, reused=file.bytes)
        placing.in_place(self._manifests, folder, repository, chosen, job.request)
        return folder

    # ---- fetching ---------------------------------------------------------------------------------------------------

    async def _fetch(self, job: Job, repository: Repository, files: Sequence[RemoteFile]) -> None:
        """All files, some at the same time. The first failure ends the others. Raises it, or Stopped."""
        job.change(state="downloading", message="")
        for path in {file.path for file in job.announced} - {file.path for file in files}:
            job.file(path, state="done", done=job.size_of(path), reused=job.size_of(path))
        turns = asyncio.Semaphore(self._settings().parallel_files)
        tasks = [asyncio.create_task(self._one(job, repository, file, turns)) for file in _largest_first(files)]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            job.stop.set()
            await asyncio.wait(tasks)
            raise

    async def _one(self, job: Job, repository: Repository, file: RemoteFile, turns: asyncio.Semaphore) -> None:
        async with turns:
            try:
                await self._thread(self._fetcher.obtain, job, repository, file)
            except InglenookError as error:
                job.file(file.path, state="failed", error=error.message)
                raise

    # ---- afterwards -------------------------------------------------------------------------------------------------

    async def _place(
        self, job: Job, places: Places, repository: Repository, chosen: FileSet, files: Sequence[RemoteFile]
    ) -> None:
        if not files:
            return
        job.change(state="verifying")
        try:
            if placing.pickles(files):
                job.change(message="The weights are converted to safetensors, in a process without network.")
                await _unless_stopped(job, self._convert(repository.id, places.staging, lambda stage, done: None))
                await self._thread(placing.drop_pickles, places.staging)
            await self._thread(
                placing.place, self._manifests, places, repository, chosen, job.request, files
            )  # fmt: skip
        except OSError as error:
            raise EnvironmentFault(
                f"{places.target} could not be written: {error}.", path=str(places.target)
            ) from error

    async def _registered(self, job: Job, places: Places, repository: Repository, chosen: FileSet, *, new: bool) -> str:
        """A model that no engine here can use is not kept."""
        try:
            place = _entry(places.target, chosen)
            return await self._register(job.request.name, repository, chosen, place, "downloaded")
        except InglenookError:
            if new:
                await self._thread(partial(shutil.rmtree, places.target, ignore_errors=True))
                await self._thread(self._tidy, chosen.files)
            raise

    def _tidy(self, files: Sequence[RemoteFile]) -> None:
        for file in files:
            self._fetcher.parts.drop(file)

    async def _thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *arguments))


async def _unless_stopped(job: Job, work: Awaitable[T]) -> T:
    """What `work` returns; it is cancelled when the download is stopped. Raises Stopped."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=STOP_NOTICED_SECONDS)
            job.stop.check()
        return task.result()
    finally:
        task.cancel()


def _entry(folder: Path, chosen: FileSet) -> Path:
    return folder / chosen.entry if chosen.entry else folder


def _largest_first(files: Sequence[RemoteFile]) -> list[RemoteFile]:
    return sorted(files, key=lambda file: -file.bytes)


def _warnings(repository: Repository) -> list[str]:
    """What is worth knowing of what is about to be used."""
    return [] if repository.licence else ["The repository names no licence: find out whether you may use the model."]
