"""The catalogue as it is asked for: the built-in list on this machine, searched and filtered, and one model of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable

from sidecar.catalogue import entries, fitting, judging, recommending
from sidecar.catalogue.entries import ListedModel
from sidecar.catalogue.installed import by_repository
from sidecar.catalogue.judging import Judged
from sidecar.errors import NotFound
from sidecar.runtime.outlook import Outlook
from sidecar.types import (
    CatalogueDetail,
    CatalogueEntry,
    CataloguePage,
    CatalogueQuery,
    ModelInfo,
    Recommendation,
    RemoteFile,
    SafetyFinding,
)

MB = 1e6
COMMIT = re.compile(r"[0-9a-f]{40}")
PICKLE = SafetyFinding(
    severity="ask",
    kind="pickle",
    message="Its weights are in an older format that can run code when it is opened.",
    permission="pickle",
)


class Catalogue:
    """Made once per service. `outlook()` says what this machine could do now, `models()` which models are here."""

    def __init__(self, outlook: Callable[[], Awaitable[Outlook]], models: Callable[[], list[ModelInfo]]) -> None:
        self._outlook = outlook
        self._models = models
        self._listed: list[ListedModel] | None = None

    async def listed(self) -> list[ListedModel]:
        """The built-in list, read and checked with its first use. Raises EnvironmentFault."""
        if self._listed is None:
            self._listed = await asyncio.to_thread(entries.read)
        return self._listed

    async def judged(self) -> list[Judged]:
        """The built-in list as it suits this machine now."""
        outlook = await self._outlook()
        return [judging.judge(model, outlook) for model in await self.listed()]

    async def search(self, query: CatalogueQuery) -> CataloguePage:
        """What matches all that the query says, in the order of the list."""
        installed = by_repository(self._models())
        found = [judging.entry(judged, installed) for judged in await self.judged() if says(judged.model, query.query)]
        kept = [entry for entry in found if passes(entry, query)]
        return CataloguePage(entries=kept[: query.limit], total=len(kept))

    async def detail(self, repository: str) -> CatalogueDetail:
        """One model of the list, with each way to have it. Raises NotFound."""
        model = next((model for model in await self.listed() if model.id == repository), None)
        if model is None:
            raise NotFound(f"The built-in list has no model {repository!r}.", path=f"/catalogue/{repository}")
        outlook = await self._outlook()
        judged = judging.judge(model, outlook)
        return CatalogueDetail(
            entry=judging.entry(judged, by_repository(self._models())),
            revision=model.revision,
            commit=model.revision if COMMIT.fullmatch(model.revision) else "",
            files=[RemoteFile(file, weights.bytes) for weights in model.variants for file in weights.files],
            variants=judging.variants(judged),
            safety=[PICKLE] if model.format == "pickle" else [],
            prediction=fitting.predicted(fitting.candidate(model, judged.weights), outlook),
            card=model.why,
            read_at=0.0,
            offline=True,
        )

    async def recommended(self) -> list[Recommendation]:
        """One model for each task."""
        return recommending.recommendations(await self.judged(), by_repository(self._models()))


def says(model: ListedModel, text: str) -> bool:
    """Whether every word of the text stands somewhere in what is known of the model."""
    known = " ".join([model.id, model.name, model.why, model.task, *model.tags, model.key or ""]).casefold()
    return all(word in known for word in text.casefold().split())


def passes(entry: CatalogueEntry, query: CatalogueQuery) -> bool:
    """Whether the entry has everything that the query asks for, apart from its words."""
    return all(_conditions(entry, query))


def _conditions(entry: CatalogueEntry, query: CatalogueQuery) -> Iterable[bool]:
    yield query.task in (None, entry.task)
    yield query.library is None or ("gguf" in entry.formats) is (query.library == "gguf")
    yield query.licence is None or (entry.licence or "").casefold() == query.licence.casefold()
    yield query.gated in (None, entry.gated)
    yield not query.fits or entry.suitability.verdict in ("fits", "tight")
    yield not query.largest_mb or (entry.bytes or 0) <= query.largest_mb * MB
