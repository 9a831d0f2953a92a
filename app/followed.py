"""Work of the service that brings models: one latest copy of each piece for the whole window. Starts and steers none."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from app import operations
from sidecar.types import DownloadInfo, JobInfo

if TYPE_CHECKING:
    from app.session import Session
    from sidecar.client import Client

Work = TypeVar("Work", bound=DownloadInfo | JobInfo)


class Followed(QObject, Generic[Work]):
    """Takes what events tell; asks for all of it whenever the service is followed anew.

    Signals:
        changed(Work): a piece of it began, went on or ended.
        listed(): which ones there are is known anew.
        arrived(Work): what it brought is among the session's models, since a moment ago.
        failed(Work): it has just come to its end without that.
    """

    changed = Signal(object)
    listed = Signal()
    arrived = Signal(object)
    failed = Signal(object)
    unfinished: ClassVar[tuple[str, ...]]  # the states of what has not come to an end

    def __init__(
        self,
        session: Session,
        *,
        ask: Callable[[Client], Coroutine[Any, Any, list[Work]]],
        key: Callable[[Work], str],
        brings: Callable[[Work], Sequence[str]],
    ) -> None:
        """`ask` for all there is; `key` is the id of a piece, and `brings` those of its models."""
        super().__init__(session)
        self._session = session
        self._ask, self._key, self._brings = ask, key, brings
        self._known: dict[str, Work] = {}
        self._arriving: list[Work] = []
        self._heard_since: set[str] = set()  # of which an event came after the last look was asked for
        self._look: operations.Operation[list[Work]] | None = None
        session.heard_again.connect(self.refresh)
        session.models_changed.connect(self._announce)

    def refresh(self) -> None:
        """Ask which there are."""
        client = self._session.process.client
        if client is None:
            return
        if self._look is not None:
            self._look.cancel()
        self._heard_since.clear()
        self._look = operations.run(self, self._ask(client), on_success=self._keep, on_failure=lambda _error: None)

    def _keep(self, found: list[Work]) -> None:
        """An answer never overwrites an event that came after its question."""
        before = self._known
        heard = {key: before[key] for key in self._heard_since if key in before}
        told = {self._key(work): work for work in found}
        self._known = told | heard
        for key, work in told.items():
            if key not in heard:
                self._notice(before.get(key), work)
        self.listed.emit()

    def _take(self, work: Work) -> None:
        key = self._key(work)
        before = self._known.get(key)
        self._known[key] = work
        self._heard_since.add(key)
        self.changed.emit(work)
        self._notice(before, work)

    def _notice(self, before: Work | None, now: Work) -> None:
        """Only what was seen under way has come to an end just now."""
        if before is None or before.state not in self.unfinished:
            return
        if now.state == "failed":
            self.failed.emit(now)
        elif now.state == "done":
            self._on_done(now)

    def _on_done(self, work: Work) -> None:
        self._arriving.append(work)
        self._announce()

    def _announce(self) -> None:
        """A model is told of once it can be used: the list of models comes a moment after the event."""
        ready = [work for work in self._arriving if all(map(self._session.model, self._brings(work)))]
        self._arriving = [work for work in self._arriving if work not in ready]
        for work in ready:
            self.arrived.emit(work)
