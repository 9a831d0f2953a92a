"""The real window with the real service in a folder of its own, and a camera. What is played on it is in scenes.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.application import Application
from app.single_instance import SingleInstance
from app.theme import theme
from app.view import View
from sidecar.paths import Paths
from sidecar.types import RegisterRequest
from tests.helpers.hub import HubServer, hub_server
from tests.helpers.models import echo_model
from tests.helpers.stock import stock

THEMES = ("light", "dark")
SIZES = ((900, 600), (1440, 900))
SETTLE_S = 0.35
PATIENCE_S = 120.0

# Models whose speed and faults are known; the pictures of answers use those that come with the application.
ECHOES = {
    "slow-echo": {"delay_ms": 60, "repeat": 0},
    "echo": {},
    "seeing-echo": {"vision": True},
    "slow-labels": {"delay_ms": 25},
}


class Stage:
    """Application and camera."""

    def __init__(self, application: Application, paths: Paths, folder: Path, hub: HubServer) -> None:
        self.application = application
        self.hub = hub
        self.window = application.window
        self.session = application.session
        self.paths = paths
        self._folder = folder
        self.taken: list[Path] = []

    async def picture(self, view: str, state: str, before: Callable[[], object] | None = None) -> None:
        """Take the window in every theme and size; `before` is called again for each, where resizing undoes it."""
        for mode in THEMES:
            theme.set_mode(mode)
            for width, height in SIZES:
                self.window.resize(width, height)
                await asyncio.sleep(SETTLE_S)
                if before is not None:
                    before()
                    await asyncio.sleep(SETTLE_S)
                self._take(f"{view}-{state}-{mode}-{width}x{height}.png")

    def show(self, name: str) -> View:
        return self.window.show_view(name)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for the window to get there. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110  the condition is anything, not an event
                await asyncio.sleep(0.02)

    async def register_echoes(self) -> None:
        """Make the models known whose speed and faults are chosen here."""
        client = await self.session.ready()
        for name, knobs in ECHOES.items():
            kind = "classification" if name == "slow-labels" else "text_generation"
            folder = echo_model(self.paths.data_dir / "echoes" / name, **knobs)
            await client.register(RegisterRequest(name=name, model_type=kind, model_path=str(folder)))
        await self.until(lambda: self.session.model("slow-labels"))

    def _take(self, name: str) -> None:
        file = self._folder / name
        self.window.grab().save(str(file))
        self.taken.append(file)


async def perform(app: QApplication, data: Path, folder: Path, play: Callable[[Stage], Awaitable[None]]) -> list[Path]:
    """Open the window on the empty folder `data`, play on it, close it; returns the pictures."""
    paths = Paths.in_folder(data)
    paths.create()
    instance = SingleInstance(paths)
    instance.claim()
    with hub_server() as hub:
        stock(hub)
        configure(paths, hub)
        application = Application(app, paths, instance, "light")
        stage = Stage(application, paths, folder, hub)
        application.start(hidden=False)
        try:
            await play(stage)
        finally:
            await application.end()
            instance.release()
    return stage.taken


def configure(paths: Paths, hub: HubServer, *lines: str) -> None:
    """The service's settings from its next start on: a free port, the hub of the pictures, and these."""
    usual = ("port = 0", f'hub_endpoint = "{hub.url}"', "network_timeout_s = 2")
    paths.config_file.write_text("\n".join([*usual, *lines, ""]))
