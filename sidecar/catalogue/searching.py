"""The catalogue as it is asked for: the built-in list and the hub, searched and filtered; and one model of either.

Without a network the built-in list and what the hub told before are there, and the answer says so.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping

from sidecar.catalogue import entries, fitting, judging, lightweight, recommending, repositories
from sidecar.catalogue.entries import ListedModel
from sidecar.catalogue.installed import by_repository
from sidecar.catalogue.judging import Judged
from sidecar.catalogue.remote import Found, Remote, Snapshot
from sidecar.errors import HubFault, InglenookError, Unsupported
from sidecar.hub import choosing, safety
from sidecar.runtime.outlook import Outlook
from sidecar.types import (
    CatalogueDetail,
    CatalogueEntry,
    CataloguePage,
    CatalogueQuery,
    DownloadRequest,
    LightweightModels,
    ModelInfo,
    ModelType,
    Prediction,
    Recommendation,
    RemoteFile,
    SafetyFinding,
)

MB = 1e6
COMMIT = re.compile(r"[0-9a-f]{40}")
MAIN = "main"
PICKLE = SafetyFinding(
    severity="ask",
    kind="pickle",
    message="Its weights are in an older format that can run code when it is opened.",
    permission="pickle",
)


class Catalogue:
    """Made once per service. `outlook()` says what this machine could do now, `models()` which models are here."""

    def __init__(
        self, outlook: Callable[[], Awaitable[Outlook]], models: Callable[[], list[ModelInfo]], remote: Remote
    ) -> None:
        self._outlook = outlook
        self._models = models
        self._remote = remote
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

    async def recommended(self) -> list[Recommendation]:
        """One model for each task."""
        return recommending.recommendations(await self.judged(), by_repository(self._models()))

    def has(self, repository: str) -> bool:
        """Whether a model of that repository is here."""
        return repository in by_repository(self._models())

    # ---- the small ones ---------------------------------------------------------------------------------------------

    async def small(self) -> LightweightModels:
        """The small ones of the list, and which of them are here."""
        return lightweight.listing(await self.judged(), self._models())

    async def small_here(self) -> list[ModelInfo]:
        """The small ones that are here, those that came with the application among them."""
        return lightweight.small_models(await self.listed(), self._models())

    async def small_request(self, key: str) -> DownloadRequest:
        """What to fetch for a short name. Raises NotFound."""
        return lightweight.request(await self.judged(), key)

    # ---- searching --------------------------------------------------------------------------------------------------

    async def search(self, query: CatalogueQuery) -> CataloguePage:
        """What matches all that the query says: the built-in list's in its order, then the hub's, most downloaded first.

        Without words only the built-in list. Raises EnvironmentFault.
        """
        here = by_repository(self._models())
        listed = [judging.entry(one, here) for one in await self.judged() if says(one.model, query.query)]
        found, problem, kept = await self._from_hub(query, here) if query.query.strip() else ([], None, False)
        known = {entry.id for entry in listed}
        matching = [
            entry for entry in [*listed, *(one for one in found if one.id not in known)] if passes(entry, query)
        ]
        return CataloguePage(
            entries=matching[: query.limit],
            total=len(matching),
            offline=problem is not None,
            notice=_notice(problem, kept) if problem else None,
        )

    async def _from_hub(
        self, query: CatalogueQuery, here: Mapping[str, str]
    ) -> tuple[list[CatalogueEntry], InglenookError | None, bool]:
        """The hub's, what kept us from asking it, and whether these were kept from an earlier time."""
        words = repositories.TASKS[query.task] if query.task else (None,)
        outlook, kept = await self._outlook(), False
        found: list[CatalogueEntry] = []
        problem: InglenookError | None = None
        for word in words:
            try:
                answer = await self._remote.search(
                    query.query, word, query.library, query.licence, query.gated, query.limit
                )
            except HubFault as error:
                problem = error
                continue
            problem, kept = answer.problem or problem, kept or answer.problem is not None
            found += _entries(answer.found, outlook, here)
        return found, problem, kept

    # ---- one model --------------------------------------------------------------------------------------------------

    async def detail(self, repository: str, revision: str | None = None, *, fresh: bool = False) -> CatalogueDetail:
        """One model, as the hub tells it, or as it was told before, or as the built-in list has it. `fresh`: the hub is asked
        even if it has told lately, as after its licence was accepted there.

        Raises RepositoryNotFound, InvalidRequest, Unsupported for what no engine here runs; HubFault when nothing is known.
        """
        model = next((model for model in await self.listed() if model.id == repository), None)
        wanted = revision or (model.revision if model else MAIN)
        try:
            answer = await self._remote.repository(repository, wanted, fresh=fresh)
        except HubFault:
            if model is None:
                raise
            return await self._of_list(model)
        return await self._of_hub(answer.found, model, offline=answer.problem is not None)

    async def _of_list(self, model: ListedModel) -> CatalogueDetail:
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

    async def _of_hub(self, snapshot: Snapshot, model: ListedModel | None, *, offline: bool) -> CatalogueDetail:
        told, outlook = snapshot.repository, await self._outlook()
        task = model.task if model else repositories.task_of(told)
        if task is None:
            raise Unsupported(model=told.id, reason="it does none of the tasks that are served here")
        snapshot = repositories.sized(snapshot, model) if model else snapshot
        variants = repositories.variants(snapshot, task, outlook)
        suits = variants[0].suitability if variants else fitting.suitability(None, 0, outlook)
        entry = repositories.entry(told, task, suits, by_repository(self._models()))
        if variants:
            entry.bytes, entry.variant = variants[0].bytes, variants[0].name
        return CatalogueDetail(
            entry=_as_listed(entry, model) if model else entry,
            revision=told.revision,
            commit=told.commit,
            files=told.files,
            variants=variants,
            safety=safety.findings(told),
            prediction=_predicted(snapshot, task, outlook),
            card=snapshot.card,
            read_at=told.read_at,
            offline=offline,
            access=snapshot.access,
            access_url=snapshot.access_url,
        )


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


def _entries(found: Found, outlook: Outlook, here: Mapping[str, str]) -> list[CatalogueEntry]:
    """Those of a search that an engine here could run."""
    return [
        repositories.entry(told, task, repositories.at_a_glance(told, task, outlook), here)
        for told in found.repositories
        if (task := repositories.task_of(told)) is not None
    ]


def _notice(problem: InglenookError, kept: bool) -> str:
    shown = "the built-in list and what the hub told before" if kept else "only the built-in list"
    return f"{problem.message} Shown is {shown}."


def _as_listed(entry: CatalogueEntry, model: ListedModel) -> CatalogueEntry:
    """With what the built-in list adds."""
    entry.name, entry.why, entry.key, entry.curated, entry.tags = model.name, model.why, model.key, True, model.tags
    entry.parameters = model.parameters or entry.parameters
    return entry


def _predicted(snapshot: Snapshot, task: ModelType, outlook: Outlook) -> Prediction | None:
    """For the files that would be fetched unasked."""
    chosen = choosing.variants(snapshot.repository)
    return fitting.predicted(repositories.candidate(snapshot, chosen[0], task) if chosen else None, outlook)
