"""The Storage view in the real window, with one real service for a module's tests."""

import asyncio

import pytest

from sidecar.client import Client
from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.service import running_service
from tests.helpers.window_bench import WindowBench

KEPT, OTHER = "org/Kept-1B", "org/Other-2B"


class Bench(WindowBench):
    """Starts once the view knows what is kept."""

    async def start(self):
        await super().start()
        await self.until(lambda: self.session.model("starter-chat") is not None)
        await self.until(lambda: self.view.info is not None)

    def titles(self):
        return {self.view.entries.at(row).title for row in range(self.view.entries.rowCount())}

    def choose(self, key):
        self.view.table.selectRow(self.view.entries.row_of(key))

    async def undo(self):
        await self.until(self.window.toast_overlay.undo_button.isVisible)
        self.window.toast_overlay.undo_button.click()


async def register(paths):
    async with Client.connect(paths) as client:
        for name in (KEPT, OTHER):
            folder = echo_model(paths.models_dir / name.replace("/", "--") / "c1")
            (folder / "model.safetensors").write_bytes(b"w" * 1_500_000)
            await client.register(RegisterRequest(name=name, model_type="text_generation", model_path=str(folder)))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The folders of a service with two models in its models folder, and the starter models."""
    with running_service(tmp_path_factory.mktemp("served")) as service:
        asyncio.run(register(service.paths))
        yield service.paths


@pytest.fixture
async def bench(served, until):
    made = Bench(served, until, "storage")
    await made.start()
    yield made
    await made.close()
