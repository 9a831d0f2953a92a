"""The Chat view in the real window, with a real service and echo models, in folders of its own."""

import json

import pytest

from app.main_window import MainWindow
from app.session import Session
from app.settings import Preferences
from app.sidecar_process import SidecarProcess
from sidecar.types import RegisterRequest


def echo_model(folder, **knobs):
    """A model folder of the echo engine."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "echo", **knobs}))
    return folder


class Bench:
    """A window with its service, and what the tests do with both."""

    def __init__(self, paths, until):
        self.paths, self.until = paths, until
        self.process = SidecarProcess(paths)
        self.session = Session(self.process)
        self.preferences = Preferences(paths.window_settings)
        self.window = MainWindow(self.session, self.preferences)
        self.window.resize(1100, 760)
        self.window.show()

    @property
    def view(self):
        return self.window.view("chat")

    @property
    def page(self):
        return self.view.page

    async def start(self):
        self.process.start()
        await self.session.ready()
        self.window.show_view("chat")

    async def register(self, name, **knobs):
        client = await self.session.ready()
        folder = echo_model(self.paths.data_dir / "echo-models" / name, **knobs)
        await client.register(RegisterRequest(name=name, model_type="text_generation", model_path=str(folder)))
        await self.until(lambda: (model := self.session.model(name)) is not None and model.state == "loaded")
        return name

    def answers(self):
        return [message for message in self.view.messages.path if message.role == "assistant"]

    def answer_widget(self, place=-1):
        return self.page.transcript.message_widget(self.answers()[place].id)

    async def settled(self):
        """Until nothing is being written any more and it is all on screen."""
        await self.until(lambda: not self.view.dialogue.answers.busy())
        await self.until(lambda: self.answer_widget() is not None and self.answer_widget().markdown.is_settled())

    async def ask(self, text):
        self.page.composer.set_text(text)
        self.page.composer.submit()
        await self.settled()

    async def close(self):
        self.window.remember()
        self.session.close()
        await self.process.close()
        self.view.dialogue.store.close()
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
    """The bench with a quick echo model chosen."""
    bench.view.use_model(await bench.register("echo"))
    return bench


@pytest.fixture
async def slow(bench):
    """The bench with an echo model that takes its time and does not end by itself."""
    bench.view.use_model(await bench.register("slow", delay_ms=15, repeat=0))
    return bench
