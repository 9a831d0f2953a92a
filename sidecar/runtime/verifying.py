"""Whether a model's files are still what was fetched: before the first load, after every change, and when asked.

A damaged file is set aside, the model cannot be loaded meanwhile, and what is missing is fetched again. Weights that were
rounded here are checked when asked, and made again by the next load.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from sidecar.downloads.queue import DownloadQueue
from sidecar.errors import Conflict, DownloadNotFound, EnvironmentFault, InvalidRequest, LoadFailed
from sidecar.hub.stopping import Stop
from sidecar.registry import sealing
from sidecar.registry.derived import Derived
from sidecar.registry.manifest import Checked, Manifest, Manifests
from sidecar.registry.store import ModelStore, ModelVersion
from sidecar.runtime.models import Models
from sidecar.types import DownloadRequest, VerifyResponse


class Verifying:
    """It joins the manifests with the queue that repairs."""

    def __init__(
        self, store: ModelStore, models: Models, derived: Derived, manifests: Manifests, queue: DownloadQueue
    ) -> None:
        self._store = store
        self._models = models
        self._derived = derived
        self._manifests = manifests
        self._queue = queue
        self._repairs: dict[str, str] = {}  # the download that repairs a model

    async def before_load(self, version: ModelVersion) -> None:
        """Read again the files that changed since they were verified. Raises LoadFailed when one is damaged or gone."""
        checked = await self._checked(version.path, everything=False)
        if checked is not None and not checked.whole:
            if not self._manifests.is_ours(checked.root):  # so that the list says it too
                await self._store.look_again(version.model)
            raise LoadFailed(model=version.model, reason=await self._repaired(version.model, checked))
        if checked is None and await self._store.changed(version):  # another replica's, or since a moment ago
            problem = (await self._store.look_again(version.model)).problem
            raise LoadFailed(model=version.model, reason=problem or "its files changed while it was in use; ask again.")

    async def verify(self, model_id: str) -> VerifyResponse:
        """Read every file and compare its hash. Raises ModelNotFound, InvalidRequest for a model without any hashes."""
        model = self._store.get(model_id)
        checked = await self._checked(model.path, everything=True)
        kept, spoilt = await self._check_kept(model_id, model.version)
        if checked is None and not kept:
            reason = f"{model_id!r} did not come with hashes of its files, so there is nothing to compare them with"
            raise InvalidRequest(reason=reason)
        message = f"{len(spoilt)} files with its rounded weights were damaged; the next load makes them again. " * bool(
            spoilt
        )
        if checked is None or checked.whole:
            number = (checked.verified if checked else 0) + kept - len(spoilt)
            files = "The one file" if number == 1 else f"All {number} files"
            message += f"{files} of {model_id} {'is' if number == 1 else 'are'} what was {'fetched' if checked else 'made here'}."
            return VerifyResponse(model_id, number, spoilt, [], message)
        self._repairs.pop(model_id, None)
        message += await self._repaired(model_id, checked)
        await self._unload(model_id)
        damaged, repair = [*checked.damaged, *spoilt], self._repairs.get(model_id)
        return VerifyResponse(model_id, checked.verified, damaged, checked.missing, message, repair)

    async def _check_kept(self, model_id: str, version: str) -> tuple[int, list[str]]:
        """How many files of rounded weights are kept, and the names of the damaged ones, which are deleted."""
        unwanted = Stop()
        files = await asyncio.to_thread(self._derived.rounded, version)
        try:
            whole = await asyncio.to_thread(
                lambda: [sealing.is_whole(file, everything=True, check=unwanted.check) for file in files]
            )
        finally:
            unwanted.set()
        damaged = [file for file, fine in zip(files, whole, strict=True) if not fine]
        if damaged:
            await self._unload(model_id)
            await asyncio.to_thread(_remove, damaged)
        return len(files), [file.name for file in damaged]

    async def _unload(self, model_id: str) -> None:
        with contextlib.suppress(Conflict):  # what runs on it has the files open, and ends in order
            await self._models.unload(model_id)

    async def give_up(self, model_id: str) -> None:
        """Stop repairing a model that is to go."""
        if (job_id := self._repairs.pop(model_id, None)) is not None:
            with contextlib.suppress(DownloadNotFound):
                await self._queue.cancel(job_id)

    async def _checked(self, path: Path, *, everything: bool) -> Checked | None:
        """The check in a thread, which ends soon when nobody waits for it any more. Raises EnvironmentFault."""
        unwanted = Stop()
        try:
            return await asyncio.to_thread(self._manifests.check, path, everything=everything, check=unwanted.check)
        except OSError as error:
            raise EnvironmentFault(f"The files in {path} cannot be read: {error}.", path=str(path)) from error
        finally:
            unwanted.set()

    async def _repaired(self, model_id: str, checked: Checked) -> str:
        """Fetch again what is damaged or missing, where it is ours to write; says what was found and done."""
        found = _named("damaged", checked.damaged) + _named("missing", checked.missing)
        if not self._manifests.is_ours(checked.root):
            return _not_ours(checked)
        if not checked.manifest.repository:
            return f"{found}It was imported from {checked.manifest.source}: import it again from there."
        info = await self._queue.add(_request(model_id, checked.manifest))
        self._repairs[model_id] = info.job_id
        return f"{found}It is fetched again as download {info.job_id}; the model can be loaded when that is done."


def _not_ours(checked: Checked) -> str:
    """What became of files that belong to another program, or to the user."""
    gone = f"its file is gone: {', '.join(checked.missing)} is no longer in {checked.root}. " if checked.missing else ""
    changed = f"{', '.join(checked.damaged)} has changed since it came to be used here. " if checked.damaged else ""
    return f"{gone}{changed}It is kept by another program in {checked.root}: repair it there, then import it again, or fetch it here."


def _request(model_id: str, manifest: Manifest) -> DownloadRequest:
    """The same again: the same commit, files and permissions."""
    return DownloadRequest(
        model=manifest.repository,
        revision=manifest.commit,
        files=manifest.asked_files,
        variant=manifest.variant,
        name=model_id,
        allow=[permission for permission in ("pickle", "custom_code") if permission in manifest.allowed],
        priority=50,
    )


def _remove(files: list[Path]) -> None:
    for file in files:
        sealing.remove(file)


def _named(what: str, files: list[str]) -> str:
    return f"{what.capitalize()}: {', '.join(files)}. " if files else ""
