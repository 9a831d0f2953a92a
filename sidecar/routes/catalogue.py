"""The catalogue: models that could be fetched, how they suit this machine, which one to take."""

from __future__ import annotations

from sidecar import errors
from sidecar.routes.call import MODEL_ID, Answer, Call, Route
from sidecar.types import CatalogueDetail, CataloguePage, CatalogueQuery, Recommendation, Request


class DetailQuery(Request):
    """`revision`: branch, tag or commit; without it the one that the built-in list names, or main. `fresh`: ask the hub
    even if it has told lately, as after its licence was accepted there."""

    revision: str | None = None
    fresh: bool = False


async def search(call: Call, query: CatalogueQuery) -> Answer:
    return await call.service.catalogue.search(query)


async def recommended(call: Call) -> Answer:
    return await call.service.catalogue.recommended()


async def detail(call: Call, query: DetailQuery) -> Answer:
    return await call.service.catalogue.detail(call.model_id, query.revision, fresh=query.fresh)


_GROUP = "Catalogue"
ROUTES = [
    Route(
        "GET",
        "/catalogue",
        search,
        _GROUP,
        "Models that could be fetched, whether they fit this machine, and how quick they would be; with words the hub's too.",
        (CataloguePage,),
        query=CatalogueQuery,
        errors=(errors.InvalidRequest, errors.EnvironmentFault),
    ),
    Route(
        "GET",
        "/catalogue/recommended",
        recommended,
        _GROUP,
        "The one model for each task that suits this machine best, and why.",
        (list[Recommendation],),
        errors=(errors.EnvironmentFault,),
    ),
    Route(
        "GET",
        f"/catalogue/{MODEL_ID}",
        detail,
        _GROUP,
        "One model: its files, the ways to have it, what is unsafe in it, and what it would do on this machine.",
        (CatalogueDetail,),
        query=DetailQuery,
        errors=(
            errors.InvalidRequest,
            errors.RepositoryNotFound,
            errors.Unsupported,
            errors.Offline,
            errors.NetworkUnavailable,
            errors.HubRefused,
            errors.EnvironmentFault,
        ),
    ),
]
