"""The Chat view in the real window, with a real service and echo models.

`bench` is a window that uses one service for a whole module, with chats and settings of its own; `own_service` starts
one that may be hurt.
"""

import asyncio
from pathlib import Path

import pytest

from sidecar.client import Client
from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.service import running_service
from tests.helpers.window_bench import WindowBench

MODELS = {
    "echo": {},
    "slow": {"delay_ms": 15, "repeat": 0},
    "small": {"context_length": 20},
    "seeing": {"vision": True},
}


class Bench(WindowBench):
    """In a narrower window."""

    SIZE = (1100, 760)

    @property
    def page(self):
        return self.view.page

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
        await super().close()
        self.view.dialogue.store.close()


async def register_echo_models(paths):
    """Make the models of MODELS known to the service that runs on these folders."""
    async with Client.connect(paths) as client:
        for name, knobs in MODELS.items():
            folder = echo_model(paths.data_dir / "echo-models" / name, **knobs)
            await client.register(
                RegisterRequest(name=name, model_type="text_generation", model_path=str(folder), keep_alive=-1)
            )


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The folders of a service that runs as long as the module's tests do."""
    with running_service(tmp_path_factory.mktemp("served")) as service:
        asyncio.run(register_echo_models(service.paths))
        yield service.paths


def forget_chats(paths):
    """Remove what a window leaves behind."""
    for file in [*paths.data_dir.glob("conversations*"), paths.window_settings]:
        Path(file).unlink(missing_ok=True)


@pytest.fixture
async def bench(served, until):
    forget_chats(served)
    made = Bench(served, until, "chat")
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
    made = Bench(paths, until, "chat")
    await made.start()
    await register_echo_models(paths)
    yield await made.use("slow")
    await made.close()
