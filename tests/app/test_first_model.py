"""From the first start to a downloaded model that answers: the real window, a real service, a hub, and counted clicks."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from sidecar.paths import Paths
from tests.helpers import profile
from tests.helpers.gguf_models import gguf_model
from tests.helpers.hub import hub_server
from tests.helpers.service import running_service
from tests.helpers.stock import stock
from tests.helpers.window_bench import WindowBench

MOST_CLICKS = 4


class Person:
    """Clicks on what can be seen, and counts."""

    def __init__(self):
        self.clicks = 0

    def click(self, button):
        assert button.isVisible()
        assert button.isEnabled()
        self.clicks += 1
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture(scope="module")
def hub():
    """Every GGUF model of the list is there, as a tiny one that really answers."""
    with hub_server() as server:
        stock(server)
        tiny = gguf_model("llama-chat").read_bytes()
        for repo_id, repo in list(server.repos.items()):
            ggufs = [path for path in repo.files if path.endswith(".gguf")]
            if ggufs:
                server.add(repo_id, dict.fromkeys(ggufs, tiny) | {"README.md": b"# Tiny\n"}, info=repo.info)
        yield server


@pytest.fixture
async def bench(hub, tmp_path, until):
    profile.keep(Paths.in_folder(tmp_path).calibration, profile.made_up())
    with running_service(tmp_path, hub_endpoint=hub.url) as service:
        made = WindowBench(service.paths, until, "welcome")
        await made.start()
        yield made
        await made.close()


async def answers(bench, person):
    """Write a question, send it with a click, and wait for the words of the answer."""
    chat = bench.window.view("chat")
    assert bench.window.pages.currentWidget() is chat
    QTest.keyClicks(chat.page.composer.field, "Hello there")
    person.click(chat.page.composer.send_button)
    await bench.until(lambda: not chat.dialogue.answers.busy(), 90)
    answer = [message for message in chat.messages.path if message.role == "assistant"][-1]
    facts = chat.dialogue.facts(answer)
    assert facts.text.strip()
    return answer


async def test_from_the_welcome_page_a_downloaded_model_answers_after_at_most_four_clicks(bench):
    person, view = Person(), bench.view
    await bench.until(lambda: view.suggestions.cards)
    card = view.suggestions.cards[0]
    assert "GB" in card.button.text() or "MB" in card.button.text()
    person.click(card.button)
    await bench.until(lambda: bench.session.model(card.repository) is not None)
    await bench.until(lambda: card.button.text() == "Ask it")
    person.click(card.button)
    await answers(bench, person)
    assert person.clicks <= MOST_CLICKS


async def test_from_the_catalogue_a_downloaded_model_answers_after_at_most_four_clicks(bench):
    person = Person()
    person.click(bench.window.rail.buttons["catalogue"])
    view = bench.window.view("catalogue")
    await bench.until(lambda: view.entry is not None and view._page is not None and view.page.isVisible())
    await bench.until(lambda: view.page.details.button.text().startswith("Download ("))
    person.click(view.page.details.button)
    await bench.until(bench.window.toast_overlay.offer_button.isVisible)
    person.click(bench.window.toast_overlay.offer_button)
    await answers(bench, person)
    assert person.clicks <= MOST_CLICKS
