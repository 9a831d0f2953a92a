"""Every route of the service, in the order of the reference."""

from __future__ import annotations

from sidecar.routes import (
    catalogue,
    docs,
    downloads,
    hub,
    imports,
    jobs,
    lightweight,
    models,
    native,
    service,
    storage,
    tasks,
)

_SERVED = [
    *service.ROUTES,
    *models.ROUTES,
    *jobs.ROUTES,
    *catalogue.ROUTES,
    *lightweight.ROUTES,
    *downloads.ROUTES,
    *hub.ROUTES,
    *imports.ROUTES,
    *storage.ROUTES,
    *native.ROUTES,
    *tasks.ROUTES,
]
ROUTES = [*_SERVED, *docs.routes_of(_SERVED)]
