"""Every route of the service, in the order of the reference."""

from __future__ import annotations

from sidecar.routes import catalogue, docs, jobs, lightweight, models, native, service, tasks

_SERVED = [
    *service.ROUTES,
    *models.ROUTES,
    *jobs.ROUTES,
    *native.ROUTES,
    *tasks.ROUTES,
    *catalogue.ROUTES,
    *lightweight.ROUTES,
]
ROUTES = [*_SERVED, *docs.routes_of(_SERVED)]
