"""The real window at a real service on a machine where other programs keep models; one service for a module's tests."""

import pytest

from sidecar.client import Client
from tests.helpers.gguf_models import gguf_model
from tests.helpers.service import running_service
from tests.helpers.stores import lm_studio_model, ollama_model
from tests.helpers.window_bench import WindowBench


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A person's folder."""
    folder = tmp_path_factory.mktemp("home")
    store = folder / ".ollama" / "models"
    ollama_model(store, "registry.ollama.ai/library/tiny/1b", gguf_model("llama-chat"), system=b"Be kind.")
    ollama_model(store, "registry.ollama.ai/library/broken/latest", b"GGUF, but not really")
    lm_studio_model(folder / ".lmstudio" / "models", "me/Base-GGUF", gguf_model("llama-base"))
    return folder


@pytest.fixture(scope="module")
def served(home, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        with running_service(tmp_path_factory.mktemp("served")) as service:
            yield service.paths


@pytest.fixture(autouse=True)
async def _as_before(served):
    """No model of a test is left for the next."""
    yield
    async with Client.connect(served) as client:
        for job in await client.jobs():
            await client.cancel_job(job.id)
        for model in await client.models():
            if not model.builtin:
                await client.remove(model.id)
        await client.empty_trash()


class Bench(WindowBench):
    """With the dialog that is tested."""

    @property
    def dialog(self):
        return self.window.imports.dialog

    async def found(self):
        """Wait until it is known what could be imported, or that nothing could."""
        await self.until(lambda: self.names() or (self.dialog.listing.message.text() and not self.looking()))

    def looking(self):
        return not self.dialog.listing.spinner.isHidden()

    def names(self):
        found = self.dialog.found
        return [found.at(row).name for row in range(found.rowCount())]

    def row(self, name):
        return self.names().index(name)

    async def model_of(self, origin):
        await self.until(lambda: any(model.origin == origin for model in self.session.models))
        return next(model for model in self.session.models if model.origin == origin)

    def offered(self):
        return self.window.toast_overlay.offer_button.isVisible()


@pytest.fixture
async def bench(served, until):
    made = Bench(served, until, "models")
    await made.start()
    await until(lambda: made.session.models)
    yield made
    await made.close()
