"""The way to the hub: the user's token, and every connection that was made."""

from __future__ import annotations

from sidecar import errors
from sidecar.routes.call import Answer, Call, Route
from sidecar.types import Connection, HubAccount, HubToken


async def account(call: Call) -> Answer:
    return await call.manager.hub.account()


async def set_token(call: Call, body: HubToken) -> Answer:
    return await call.manager.hub.set_token(body.token)


async def connections(call: Call) -> Answer:
    return call.manager.hub.connections()


_GROUP = "Hub"
ROUTES = [
    Route("GET", "/hub/token", account, _GROUP, "Whether a token is kept, where, and whose.", (HubAccount,)),
    Route(
        "PUT",
        "/hub/token",
        set_token,
        _GROUP,
        "Keep a token for private and gated models; an empty one forgets it. It is never told again.",
        (HubAccount,),
        body=HubToken,
        errors=(errors.HubRefused, errors.EnvironmentFault),
    ),
    Route(
        "GET",
        "/hub/connections",
        connections,
        _GROUP,
        "Every outbound request since the service started, the newest first.",
        (list[Connection],),
    ),
]
