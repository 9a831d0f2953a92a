"""The window's one connection to the service: owns the client, follows the event stream, tells the views by signals.

It decides nothing about processes (sidecar_process.py does) and shows nothing.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from contextlib import aclosing
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app import operations
from app.downloads import Downloads
from app.machine import Machine
from app.network import NetworkSettings
from app.service_state import ServiceState
from app.sidecar_process import SidecarProcess
from app.transfers import Transfers
from sidecar.errors import ServiceUnreachable
from sidecar.paths import Paths
from sidecar.types import Event, ModelInfo

if TYPE_CHECKING:
    from sidecar.client import Client

REFRESH_SECONDS = 0.05  # events come in bursts: one look at the models for all of them
RECONNECT_SECONDS = 0.2


class Session(QObject):
    """What the views know of the service.

    Signals:
        state_changed(ServiceState): starting, ready, busy, restarting or stopped.
        models_changed(): `models` is a new list.
        model_event(Event): one model is loading, loaded, unloaded, failed, …
        system_changed(): `system_figures` are new.
        settings_changed(): something in the service's settings is different.
        job_changed(JobInfo): a long task began, went on or ended.
        storage_changed(): what lies on the disk is different.
        download_changed(DownloadInfo): a download began, went on or ended.
        heard_again(): the service is followed from now on; what happened before was not heard.
    """

    state_changed = Signal(object)
    models_changed = Signal()
    model_event = Signal(object)
    system_changed = Signal()
    settings_changed = Signal()
    job_changed = Signal(object)
    storage_changed = Signal()
    download_changed = Signal(object)
    heard_again = Signal()

    def __init__(self, process: SidecarProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.process = process
        self.state: ServiceState = process.state
        self.models: list[ModelInfo] = []
        self.models_known = False  # whether the service has told them yet
        self.system_figures: Event | None = None
        self._answering = asyncio.Event()
        self._stale = asyncio.Event()
        self._operations: list[operations.Operation[None]] = []
        self.downloads = Downloads(self)
        self.transfers = Transfers(self)
        self.network = NetworkSettings(self)
        self.machine = Machine(self)
        process.state_changed.connect(self._on_state)

    @property
    def paths(self) -> Paths:
        return self.process.paths

    @property
    def client(self) -> Client:
        """The client of the service that runs now. Raises ServiceUnreachable while there is none."""
        client = self.process.client
        if client is None:
            raise ServiceUnreachable(f"The service is {self.state.kind}. Try again in a moment.", url="", reason="")
        return client

    async def ready(self) -> Client:
        """The client, as soon as the service answers. Between the end of one and the next it waits for the next."""
        while (client := self.process.client) is None:
            self._answering.clear()
            await self._answering.wait()
        return client

    def model(self, model_id: str) -> ModelInfo | None:
        """The model of that id, if the service has it."""
        return next((model for model in self.models if model.id == model_id), None)

    def close(self) -> None:
        """Stop following the service."""
        self.process.state_changed.disconnect(self._on_state)
        self._stop_following()

    def _on_state(self, state: ServiceState) -> None:
        self._stop_following()
        self.system_figures = None
        if self.process.client is None:
            self._answering.clear()
            self._forget_memory()
        else:
            self._answering.set()
            self._stale.set()
            self.heard_again.emit()
            for following in (self._follow_events(self.client), self._refresh_models(self.client)):
                self._operations.append(operations.run(self, following))
        self._set(state)

    def _forget_memory(self) -> None:
        """What the service held in memory went with it; which models there are stays known."""
        if any(model.state != "unloaded" for model in self.models):
            self.models = [_unloaded(model) for model in self.models]
            self.models_changed.emit()

    def _stop_following(self) -> None:
        for operation in self._operations:
            operation.cancel()
        self._operations.clear()

    async def _follow_events(self, client: Client) -> None:
        while True:
            try:
                heard = False
                async with aclosing(client.events()) as events:
                    async for event in events:
                        if not heard:
                            self._stale.set()  # a change between the look at the models and this connection
                            self.heard_again.emit()
                        heard = True
                        self._receive(event)
            except ServiceUnreachable:
                await self.process.suspect()
                await asyncio.sleep(RECONNECT_SECONDS)
                self._stale.set()  # whatever happened in between was not heard

    async def _refresh_models(self, client: Client) -> None:
        while True:
            await self._stale.wait()
            await asyncio.sleep(REFRESH_SECONDS)
            self._stale.clear()
            try:
                self.models = await client.models()
                self.models_known = True
            except ServiceUnreachable:
                self._stale.set()
                continue
            self.models_changed.emit()

    def _receive(self, event: Event) -> None:
        if event.type == "model":
            self._stale.set()
            self.model_event.emit(event)
        elif event.type == "system":
            self.system_figures = event
            self.system_changed.emit()
            if event.active_requests != sum(model.active_requests for model in self.models):
                self._stale.set()  # another program's request began or ended
            self._set(dataclasses.replace(self.state, kind="busy" if event.active_requests else "ready"))
        elif event.job is not None:
            if event.job.finished_at is not None:
                self._stale.set()  # a model runs with another engine, or is known now
            self.job_changed.emit(event.job)
        elif event.download is not None:
            self.download_changed.emit(event.download)
        elif event.type == "settings":
            self.settings_changed.emit()
        elif event.type == "storage":
            self.storage_changed.emit()

    def _set(self, state: ServiceState) -> None:
        if state != self.state:
            self.state = state
            self.state_changed.emit(state)


def _unloaded(model: ModelInfo) -> ModelInfo:
    gone = copy.copy(model)
    gone.is_loaded, gone.state, gone.memory_usage_mb, gone.active_requests = False, "unloaded", None, 0
    return gone
