"""The Models view in the real window, with one real service for a module's tests."""

import asyncio

import pytest

from sidecar.client import Client
from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.service import running_service
from tests.helpers.window_bench import WindowBench


class Bench(WindowBench):
    """Starts with the echo model in view."""

    async def start(self):
        await super().start()
        await self.until(lambda: self.session.model("echo") is not None)
        self.view.choose("echo")

    async def becomes(self, **expected):
        """Wait until the model in view is so."""
        await self.until(lambda: all(getattr(self.view.model, name) == value for name, value in expected.items()))


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
    made = Bench(served, until, "models")
    await made.start()
    yield made
    await made.close()
