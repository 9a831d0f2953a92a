"""What the Catalogue asks the service: the list for the person's words and filters, and one model's details.

A question that is overtaken by another is cancelled: its answer would only flicker.
"""

from __future__ import annotations

import asyncio

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app import operations
from app.banners import described
from app.session import Session
from sidecar.errors import ServiceUnreachable
from sidecar.types import CatalogueDetail, CataloguePage, CatalogueQuery, Recommendation

TYPING_S = 0.3  # after the last key
MOVING_S = 0.12  # after the last row that was passed over


class CatalogueQuestions(QObject):
    """Signals:
    found(CataloguePage, list): the answer, and one recommendation for each task.
    refused(str): there is no answer, and why.
    searching(bool): whether one is on its way.
    detailed(CatalogueDetail): all about the model that was asked for.
    not_detailed(str, str): about this model nothing could be told, and why.
    """

    found = Signal(object, object)
    refused = Signal(str)
    searching = Signal(bool)
    detailed = Signal(object)
    not_detailed = Signal(str, str)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._search: operations.Operation[tuple[CataloguePage, list[Recommendation]]] | None = None
        self._detail: operations.Operation[CatalogueDetail] | None = None

    def search(self, query: CatalogueQuery, *, at_once: bool = False) -> None:
        """Ask for the list; the question before is forgotten."""
        if self._search is not None:
            self._search.cancel()
        self.searching.emit(True)
        self._search = operations.run(
            self,
            self._asked(query, 0 if at_once else TYPING_S),
            on_success=lambda answer: self.found.emit(*answer),
            on_failure=lambda error: self.refused.emit(_words(error)),
            on_finished=self._told,
        )

    def detail(self, repository: str, revision: str, *, fresh: bool = False) -> None:
        """Ask about one model; `fresh`: the hub itself, not what it told lately."""
        if self._detail is not None:
            self._detail.cancel()
        self._detail = operations.run(
            self,
            self._detail_asked(repository, revision, fresh=fresh),
            on_success=self.detailed.emit,
            on_failure=lambda error: self.not_detailed.emit(repository, _words(error)),
        )

    def _told(self) -> None:
        if self._search is not None and not self._search.running:  # one that was overtaken ends here too
            self.searching.emit(False)

    async def _asked(self, query: CatalogueQuery, typing_s: float) -> tuple[CataloguePage, list[Recommendation]]:
        await asyncio.sleep(typing_s)
        client = await self._session.ready()
        page, best = await asyncio.gather(client.catalogue(query), client.recommended())
        return page, best

    async def _detail_asked(self, repository: str, revision: str, *, fresh: bool) -> CatalogueDetail:
        await asyncio.sleep(MOVING_S)
        client = await self._session.ready()
        return await client.catalogue_detail(repository, revision, fresh=fresh)


def _words(error: BaseException) -> str:
    if isinstance(error, ServiceUnreachable):
        return QCoreApplication.translate("Catalogue", "The service does not answer. Try again in a moment.")
    title, text, _details = described(error)
    return " ".join(filter(None, (title, text)))
