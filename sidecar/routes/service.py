"""The service itself: what it is, how it fares, what happens, what happened, its settings, its end."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from sidecar import __version__, errors, hardware
from sidecar.config import Configuration, check_changes, refuse_open_bind, write_file
from sidecar.errors import EnvironmentFault
from sidecar.history import HistoryFilter
from sidecar.routes.call import Answer, Call, Route, Service
from sidecar.routes.streaming import EventStream
from sidecar.types import (
    Calibration,
    ChangeSettingsRequest,
    DeletedResponse,
    Event,
    Health,
    HistoryPage,
    Request,
    RootResponse,
    SettingInfo,
    StatusResponse,
    SystemInfo,
)

MB = 1 << 20


class DeleteHistoryQuery(Request):
    """Which entries; times in Unix seconds. Nothing given is all of them."""

    model: str | None = None
    kind: str | None = None
    key: str | None = None
    since: float | None = None
    until: float | None = None
    errors: bool = False


class HistoryQuery(DeleteHistoryQuery):
    """Which entries, newest first; `before` is the last page's `next_before`."""

    before: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


async def root(call: Call) -> Answer:
    return RootResponse("Inglenook", __version__, "running", call.manager.summary().loaded)


async def health(call: Call) -> Answer:
    if not call.caller:
        return Health("healthy")
    cpu, disk, gpu = await asyncio.to_thread(_machine, call.service.models_dir)
    return Health(
        status="healthy",
        models_loaded=call.manager.summary().loaded,
        memory_usage_mb=call.manager.memory_usage_mb,
        cpu_percent=cpu,
        disk_free_mb=disk,
        uptime_s=round(time.time() - call.service.started_at, 1),
        queue_depth=call.manager.queue_depth,
        gpu=gpu,
    )


async def system(call: Call) -> Answer:
    limit, calibrator = call.manager.memory_limit, call.manager.calibrator
    return await asyncio.to_thread(
        hardware.system_info, call.service.models_dir, limit, calibrator.profile, calibrator.reason
    )


async def calibrate(call: Call) -> Answer:
    return await call.manager.calibrate()


async def events(call: Call) -> Answer:
    """The answer begins at once, so that a listener knows it is connected."""
    async with EventStream.open(call) as stream:
        with call.manager.events.subscribe() as subscription:
            await stream.begin()
            async for event in subscription:
                await stream.send(event)
        return await stream.end()


async def metrics(call: Call) -> Answer:
    call.manager.observe()
    return web.Response(body=call.manager.metrics.exposition(), headers={"Content-Type": METRICS_TYPE})


async def history(call: Call, query: HistoryQuery) -> Answer:
    return await call.manager.history.page(_filter(query), limit=query.limit, before=query.before)


async def delete_history(call: Call, query: DeleteHistoryQuery) -> Answer:
    return DeletedResponse(await call.manager.history.delete(_filter(query)))


async def settings(call: Call) -> Answer:
    return call.service.configuration.table()


async def change_settings(call: Call, body: ChangeSettingsRequest) -> Answer:
    return (await changed_settings(call.service, body.values)).table()


async def changed_settings(service: Service, values: dict[str, Any]) -> Configuration:
    """Write the values into config.toml and use what needs no restart. Raises InvalidRequest, EnvironmentFault."""
    async with service.changing_settings:
        changed = await asyncio.to_thread(_rewritten, service, values)
        service.configuration = changed
        service.manager.apply(changed.settings)
    service.manager.events.publish(Event(type="settings", time=time.time()))
    return changed


async def shutdown(call: Call) -> Answer:
    call.service.stop.set()
    return StatusResponse("stopping")


def _machine(models_dir: Path) -> tuple[float, float, str | None]:
    return hardware.cpu_percent(), round(hardware.free_disk(models_dir) / MB, 1), hardware.gpu_name()


def _filter(query: DeleteHistoryQuery) -> HistoryFilter:
    return HistoryFilter(query.model, query.kind, query.key, query.since, query.until, query.errors)


def _rewritten(service: Service, changes: dict[str, Any]) -> Configuration:
    """The configuration after writing the changes. Raises InvalidRequest before anything is written."""
    file = service.origin.config_file
    refuse_open_bind(msgspec.structs.replace(service.configuration.settings, **check_changes(changes)))
    try:
        write_file(file, changes)
    except OSError as error:
        raise EnvironmentFault(f"{file} could not be written: {error}.", path=str(file)) from error
    return Configuration.load(file, flags=service.origin.flags)


METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_GROUP = "Service"
SHUTDOWN = Route("POST", "/shutdown", shutdown, _GROUP, "Stop the service.", (StatusResponse,))
ROUTES = [
    Route("GET", "/", root, _GROUP, "Name, version and state.", (RootResponse,)),
    Route(
        "GET", "/health", health, _GROUP, "Whether it answers; with a key also how it fares.", (Health,), public=True
    ),
    Route("GET", "/system", system, _GROUP, "What this machine is, has, and was measured to do.", (SystemInfo,)),
    Route(
        "POST",
        "/system/calibrate",
        calibrate,
        _GROUP,
        "Measure now what this machine can do; refused while requests run.",
        (Calibration,),
        errors=(errors.Conflict, errors.LoadFailed, errors.InferenceFailed, errors.EnvironmentFault),
    ),
    Route(
        "GET",
        "/events",
        events,
        _GROUP,
        "What changes from now on: models, load, settings.",
        (),
        events=Event,
    ),
    Route("GET", "/metrics", metrics, _GROUP, "Figures in Prometheus' text format.", (str,), media_type=METRICS_TYPE),
    Route(
        "GET",
        "/history",
        history,
        _GROUP,
        "What was asked of the models and how it went, newest first.",
        (HistoryPage,),
        query=HistoryQuery,
        errors=(errors.DatabaseUnusable, errors.DiskFull),
    ),
    Route(
        "DELETE",
        "/history",
        delete_history,
        _GROUP,
        "Forget the entries that match, or all of them.",
        (DeletedResponse,),
        query=DeleteHistoryQuery,
        errors=(errors.DatabaseUnusable, errors.DiskFull),
    ),
    Route(
        "GET", "/settings", settings, _GROUP, "Every setting, with where its value comes from.", (list[SettingInfo],)
    ),
    Route(
        "PUT",
        "/settings",
        change_settings,
        _GROUP,
        "Write settings into config.toml and apply those that need no restart; null is the default again.",
        (list[SettingInfo],),
        body=ChangeSettingsRequest,
        errors=(errors.InvalidRequest, errors.EnvironmentFault),
    ),
    SHUTDOWN,
]
