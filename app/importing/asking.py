"""What the dialog asks of the service: what there is, and to import it. The service tells by its events how that fares."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app import operations
from app.session import Session
from app.transfer_words import trouble
from sidecar.errors import InglenookError, ServiceUnreachable
from sidecar.types import FromUrlRequest, FromUrlStarted, Importable, ImportRequest

if TYPE_CHECKING:
    from sidecar.client import Client


@dataclass(frozen=True)
class Findings:
    """What importing `paths` would bring; without paths, what other programs keep here. `problems` in words."""

    paths: tuple[str, ...]
    found: tuple[Importable, ...]
    problems: tuple[str, ...]
    free_bytes: int


class ImportRequests(QObject):
    """Signals:
    found(Findings): the answer to the latest `look`.
    not_looked(str): it failed, and why.
    begun(Importable): the import of this one has begun.
    all_begun: those of the latest `start` have.
    fetching(FromUrlStarted): something is fetched from an address.
    refused(str): why something did not begin.
    busy(bool): something is about to begin.
    """

    found = Signal(object)
    not_looked = Signal(str)
    begun = Signal(object)
    all_begun = Signal()
    fetching = Signal(object)
    refused = Signal(str)
    busy = Signal(bool)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._look: operations.Operation[Findings] | None = None

    def look(self, paths: Sequence[str]) -> None:
        """Ask what these paths hold, or what other programs keep here. A question before it is not answered any more."""
        self.stop_looking()
        self._look = operations.run(
            self,
            self._looked(tuple(paths)),
            on_success=self.found.emit,
            on_failure=lambda error: self.not_looked.emit(_told(error)),
        )

    def stop_looking(self) -> None:
        """Nobody wants to know any more."""
        if self._look is not None:
            self._look.cancel()

    def start(self, wanted: Sequence[Importable], *, in_place: bool) -> None:
        """Import these, where they can be used without copying them if `in_place`; what they need was permitted."""
        self._run(self._started(wanted, in_place=in_place), lambda _none: self.all_begun.emit())

    def fetch(self, address: str) -> None:
        """Fetch from an address."""
        self._run(self._fetched(address), self.fetching.emit)

    async def _looked(self, paths: tuple[str, ...]) -> Findings:
        client = self._session.client
        free = int((await client.system()).disk_free_mb * (1 << 20))
        if not paths:
            return Findings(paths, tuple(await client.found_imports()), (), free)
        found: dict[str, Importable] = {}
        problems = []
        for path in paths:
            try:
                found |= {one.path: one for one in await client.found_imports(path)}
            except ServiceUnreachable:
                raise
            except InglenookError as error:
                problems.append(trouble(error))
        return Findings(paths, tuple(found.values()), tuple(problems), free)

    async def _started(self, wanted: Sequence[Importable], *, in_place: bool) -> None:
        """One request each, so that each has its own progress and can be cancelled."""
        client: Client = self._session.client
        for one in wanted:
            allow = [one.permission] if one.permission else []
            request = ImportRequest(path=one.path, in_place=in_place and one.in_place, allow=allow)
            await client.import_models(request)
            self.begun.emit(one)

    async def _fetched(self, address: str) -> FromUrlStarted:
        return await self._session.client.pull_url(FromUrlRequest(url=address))

    def _run(self, work: Coroutine[Any, Any, Any], on_success: operations.Failure) -> None:
        operations.run(self, work, on_success=on_success, on_failure=self._refuse, busy=self.busy.emit)

    def _refuse(self, error: BaseException) -> None:
        self.refused.emit(_told(error))


def _told(error: BaseException) -> str:
    """A failure that nobody foresaw goes to the banner as well, with its details."""
    if isinstance(error, InglenookError):
        return trouble(error)
    operations.report(error)
    return str(error)
