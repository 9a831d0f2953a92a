"""What the person wants done on the disk, as requests to the service; it tells by its events what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app import operations
from app.figures import file_size
from app.model_names import readable
from app.models.stored import Entry
from app.session import Session
from app.views.storage.words import Cleanable
from sidecar.errors import Conflict
from sidecar.types import Cleaned, CleanRequest, JobInfo, StorageInfo, TrashedModel

if TYPE_CHECKING:
    from sidecar.client import Client

Ask = Callable[["Client"], Coroutine[Any, Any, Any]]
SUBFOLDER = "inglenook-models"  # of a folder that has other things in it


class StorageRequests(QObject):
    """Failures become banners, as everywhere.

    Signals:
        looked(StorageInfo, list): what lies on the disk, and what is in the trash.
        said(str, object): a passing message, and how to undo what it tells of, or None.
        job_found(JobInfo): the job that moves the folder.
        busy(bool): the disk is being looked at.
    """

    looked = Signal(object, object)
    said = Signal(str, object)
    job_found = Signal(object)
    busy = Signal(bool)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._looking: operations.Operation[tuple[StorageInfo, list[TrashedModel]]] | None = None

    def look(self, after_s: float = 0.0) -> None:
        """Ask what lies on the disk, instead of what was to be asked before.

        A service that is not there is told of elsewhere.
        """
        if self._looking is not None:
            self._looking.cancel()
        if self._session.process.client is not None:
            self._looking = operations.run(
                self,
                self._looked(after_s),
                on_success=lambda found: self.looked.emit(*found),
                on_finished=self._told,
            )
            self.busy.emit(True)

    def _told(self) -> None:
        if self._looking is not None and not self._looking.running:  # one that was overtaken ends here too
            self.busy.emit(False)

    def remove(self, entries: Sequence[Entry]) -> None:
        """Move models to the trash, with a way back."""
        request = CleanRequest(models=[entry.key for entry in entries])
        self._run(lambda client: client.clean(request), self._removed)

    def restore(self, trash_ids: Sequence[str]) -> None:
        """Bring models back."""

        async def restored(client: Client) -> list[str]:
            return [(await client.restore(trash_id)).id for trash_id in trash_ids]

        self._run(restored, lambda names: self.said.emit(_tr("{0} is back").format(_listed(names)), None))

    def delete(self, trash_ids: Sequence[str]) -> None:
        """For good."""

        async def deleted(client: Client) -> int:
            return sum([(await client.delete_trashed(trash_id)).deleted for trash_id in trash_ids])

        self._run(deleted, self._freed)

    def clean(self, found: Sequence[Cleanable]) -> None:
        """For good."""
        request = CleanRequest(**dict.fromkeys([one.name for one in found], True))  # type: ignore[arg-type]
        self._run(lambda client: client.clean(request), lambda cleaned: self._freed(cleaned.freed_bytes))

    def move(self, folder: str) -> None:
        """To this folder; where that has other things in it, to a new one in it."""

        async def started(client: Client) -> JobInfo:
            try:
                job = await client.move_models(folder)
            except Conflict as error:
                if error.details.get("reason") != "not empty":
                    raise
                job = await client.move_models(f"{folder.rstrip('/')}/{SUBFOLDER}")
            return await client.job(job.job_id)

        self._run(started, self.job_found.emit)

    def cancel(self, job_id: str) -> None:
        self._run(lambda client: client.cancel_job(job_id), self.job_found.emit)

    def show_folder(self, folder: str) -> None:
        """Open it in the desktop's file manager."""
        QDesktopServices.openUrl(QUrl.fromLocalFile(folder))

    def _removed(self, cleaned: Cleaned) -> None:
        trash_ids = [removed.trash_id for removed in cleaned.removed]
        self.said.emit(_gone(cleaned), lambda: self.restore(trash_ids))

    def _freed(self, count: int) -> None:
        self.said.emit(_tr("{0} are free again").format(file_size(count)), None)

    async def _looked(self, after_s: float) -> tuple[StorageInfo, list[TrashedModel]]:
        await asyncio.sleep(after_s)
        client = self._session.client
        info = await client.storage()
        if info.moving_job:
            self.job_found.emit(await client.job(info.moving_job))
        return info, await client.trash()

    def _run(self, ask: Ask, on_success: Callable[[Any], object]) -> None:
        operations.run(self, self._asked(ask), on_success=on_success, on_finished=self.look)

    async def _asked(self, ask: Ask) -> Any:
        return await ask(self._session.client)  # here, so that a service that is gone becomes a banner, too


def _gone(cleaned: Cleaned) -> str:
    """What became of the models."""
    if len(cleaned.removed) == 1:
        return cleaned.removed[0].message
    if not cleaned.trashed_bytes:
        return _tr("{0} models are forgotten; their files stay where they are").format(len(cleaned.removed))
    return _tr("{0} models are in the trash").format(len(cleaned.removed))


def _listed(names: Sequence[str]) -> str:
    return readable(names[0]) if len(names) == 1 else _tr("{0} models").format(len(names))


def _tr(text: str) -> str:
    return QCoreApplication.translate("StorageView", text)
