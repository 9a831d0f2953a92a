"""The Models view in the real window, with one real service for a module's tests."""

import asyncio

import pytest

from app.main_window import MainWindow
from app.session import Session
from app.settings import Preferences
from app.sidecar_process import SidecarProcess
from sidecar.client import Client
from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.service import running_service


class Bench:
    """A window, and what the tests do with it."""

    def __init__(self, paths, until):
        self.until = until
        self.process = SidecarProcess(paths)
        self.session = Session(self.process)
        self.window = MainWindow(self.session, Preferences(paths.window_settings))
        self.window.resize(1280, 820)
        self.window.show()

    @property
    def view(self):
        return self.window.view("models")

    async def start(self):
        self.process.start()
        await self.session.ready()
        await self.until(lambda: self.session.model("echo") is not None)
        self.window.show_view("models")
        self.view.choose("echo")

    async def becomes(self, **expected):
        """Wait until the model in view is so."""
        await self.until(lambda: all(getattr(self.view.model, name) == value for name, value in expected.items()))

    async def close(self):
        self.session.close()
        await self.process.close()
        self.window.hide()
        self.window.deleteLater()


async def register(paths):
    async with Client.connect(paths) as client:
        folder = echo_model(paths.data_dir / "echo")
        await client.register(RegisterRequest(name="echo", model_type="text_generation", model_path=str(folder)))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The folders of a service that knows an echo model and the starter models."""
    with running_service(tmp_path_factory.mktemp("served")) as service:
        asyncio.run(register(service.paths))
        yield service.paths


@pytest.fixture
async def bench(served, until):
    made = Bench(served, until)
    await made.start()
    yield made
    await made.close()
