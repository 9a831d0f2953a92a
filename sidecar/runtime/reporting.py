"""Tells events and metrics what happens to models and machine. Nothing here changes anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import psutil

from sidecar import hardware
from sidecar.events import EventBus
from sidecar.metrics import Metrics
from sidecar.runtime.residency import Change

MB = 1024 * 1024
EVERY_S = 2.0
_STATES: dict[Change, str] = {
    "loading": "loading",
    "loaded": "loaded",
    "failed": "failed",
    "crashed": "failed",
    "unloaded": "unloaded",
    "evicted": "unloaded",
}


class Reporter:
    """Listens to residency and speaks to whoever subscribed."""

    def __init__(self, events: EventBus, metrics: Metrics) -> None:
        self._events = events
        self._metrics = metrics

    def model_changed(self, model: str, change: Change, message: str | None) -> None:
        if change == "evicted":
            self._metrics.evictions.labels(model).inc()
        if change == "crashed":
            self._metrics.crashes.labels(model).inc()
            message = "its worker ended unexpectedly"
        self._events.model(model, _STATES[change], message)

    async def tell_figures(self, of_models: Callable[[], dict[str, Any]]) -> None:
        """For ever, every two seconds while somebody listens: the machine's figures and those `of_models`."""
        while True:
            if self._events.has_listeners:
                self._events.system(**await asyncio.to_thread(_machine), **of_models())
            await asyncio.sleep(EVERY_S)


def _machine() -> dict[str, float]:
    memory = psutil.virtual_memory()
    return {
        "memory_used_mb": round((memory.total - memory.available) / MB, 1),
        "memory_total_mb": round(memory.total / MB, 1),
        "cpu_percent": hardware.cpu_percent(),
    }
