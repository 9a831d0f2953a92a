"""The Classify view in the real window, with a real service and echo models, in folders of its own."""

import pytest

from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.window_bench import WindowBench


class Bench(WindowBench):
    """With a service of its own."""

    def __init__(self, paths, until):
        paths.config_file.write_text("spare_worker = false\n")  # echo workers start quickly without one
        super().__init__(paths, until, "classify")

    @property
    def list(self):
        return self.view.list

    @property
    def card(self):
        return self.view.result

    async def register(self, name, **knobs):
        """An echo classifier of that name."""
        folder = echo_model(self.paths.data_dir / "echo-models" / name, **knobs)
        client = await self.session.ready()
        await client.register(RegisterRequest(name=name, model_type="classification", model_path=str(folder)))
        await self.until(lambda: (model := self.session.model(name)) is not None and model.is_loaded)
        return name

    async def use(self, name, **knobs):
        """Register an echo classifier and choose it."""
        self.view.choose(await self.register(name, **knobs))

    async def ask(self, text):
        self.view.input.one.setPlainText(text)
        self.view.submit()
        await self.until(lambda: not self.view.single.busy)

    async def open(self, name, content):
        """Open a file of that name and content as a list."""
        path = self.paths.data_dir / name
        path.write_text(content, "utf-8")
        self.view.open_file(str(path))
        await self.until(lambda: self.list.results.source.name == name)

    async def run(self):
        self.list.start()
        await self.until(lambda: self.list.runner.state in ("finished", "stopped"))

    async def close(self):
        self.window.remember()
        await super().close()


@pytest.fixture
async def bench(paths, until):
    made = Bench(paths, until)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def echo(bench):
    """The bench with a quick echo classifier chosen."""
    await bench.use("echo")
    return bench
