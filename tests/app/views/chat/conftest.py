"""The Chat view in the real window, with a real service and echo models.

`bench` is a window that uses one service for a whole module, with chats and settings of its own; `own_service` starts
one that may be hurt.
"""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.main_window import MainWindow
from app.session import Session
from app.settings import Preferences
from app.sidecar_process import SidecarProcess
from sidecar.client import Client
from sidecar.paths import Paths
from sidecar.types import RegisterRequest

MODELS = {
    "echo": {},
    "slow": {"delay_ms": 15, "repeat": 0},
    "small": {"context_length": 20},
    "seeing": {"vision": True},
}


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

    async def use(self, name):
        """Wait for a model to be known and begin a chat with it."""
        await self.until(lambda: self.session.model(name) is not None)
        self.view.use_model(name)
        return self

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

    async def ask_and_wait_for_words(self, text):
        """Ask, and return the answer's message once it has begun."""
        self.view.ask(text, [])
        answer = self.answers()[-1]
        await self.until(lambda: self.view.dialogue.facts(answer).text)
        return answer

    async def close(self):
        self.view.dialogue.stop(self.view.chat.id)
        await self.until(lambda: not self.view.dialogue.answers.busy())
        self.window.remember()
        self.session.close()
        await self.process.close()
        self.view.dialogue.store.close()
        self.window.hide()
        self.window.deleteLater()


async def register_echo_models(paths):
    """Make the models of MODELS known to the service that runs on these folders."""
    async with Client.connect(paths) as client:
        for name, knobs in MODELS.items():
            folder = paths.data_dir / "echo-models" / name
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps({"model_type": "echo", **knobs}))
            await client.register(
                RegisterRequest(name=name, model_type="text_generation", model_path=str(folder), keep_alive=-1)
            )


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The folders of a service that runs as long as the module's tests do."""
    paths = Paths.in_folder(tmp_path_factory.mktemp("served"))
    command = [sys.executable, "-m", "sidecar", "serve", "--port", "0", *paths.as_argument()]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not paths.runtime_file.exists():
        assert process.poll() is None
        time.sleep(0.02)
    asyncio.run(register_echo_models(paths))
    yield paths
    process.terminate()
    process.wait(30)


def forget_chats(paths):
    """Remove what a window leaves behind."""
    for file in [*paths.data_dir.glob("conversations*"), paths.window_settings]:
        Path(file).unlink(missing_ok=True)


@pytest.fixture
async def bench(served, until):
    forget_chats(served)
    made = Bench(served, until)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def echo(bench):
    """The bench with a quick echo model chosen."""
    return await bench.use("echo")


@pytest.fixture
async def slow(bench):
    """The bench with an echo model that takes its time and does not end by itself."""
    return await bench.use("slow")


@pytest.fixture
async def own_service(paths, until):
    """A bench whose service is its own."""
    made = Bench(paths, until)
    await made.start()
    await register_echo_models(paths)
    yield await made.use("slow")
    await made.close()
