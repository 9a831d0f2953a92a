"""The Classify view in the real window, with a real service and echo models, in folders of its own."""

import json

import pytest

from app.main_window import MainWindow
from app.session import Session
from app.settings import Preferences
from app.sidecar_process import SidecarProcess
from sidecar.types import RegisterRequest


class Bench:
    """A window with its service, and what the tests do with both."""

    def __init__(self, paths, until):
        self.paths, self.until = paths, until
        paths.config_file.write_text("spare_worker = false\n")  # echo workers start quickly without one
        self.process = SidecarProcess(paths)
        self.session = Session(self.process)
        self.preferences = Preferences(paths.window_settings)
        self.window = MainWindow(self.session, self.preferences)
        self.window.resize(1280, 820)
        self.window.show()

    @property
    def view(self):
        return self.window.view("classify")

    @property
    def list(self):
        return self.view.list

    @property
    def card(self):
        return self.view.result

    async def start(self):
        self.process.start()
        await self.session.ready()
        self.window.show_view("classify")

    async def register(self, name, **knobs):
        """An echo classifier of that name."""
        folder = self.paths.data_dir / "echo-models" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"model_type": "echo", **knobs}))
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
        self.session.close()
        await self.process.close()
        self.window.hide()
        self.window.deleteLater()


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
