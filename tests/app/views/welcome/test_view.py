"""The first page against the real service."""

import pytest

from app.views.welcome.facts import instruction_set
from tests.helpers.window_bench import opened_window


@pytest.fixture
async def window(paths, quick_start):
    async with opened_window(paths) as made:
        yield made


async def test_the_page_is_there_before_the_service_is(window):
    view = window.show_view("welcome")
    assert not view.facts.known
    assert view.hint() == "They are listed as soon as the service has started."


async def test_nothing_is_said_to_be_missing_before_the_service_has_told_its_models(window, until):
    view = window.show_view("welcome")
    hints = []
    window.session.state_changed.connect(lambda state: hints.append((state.kind, view.hint())))
    window.session.process.start()
    await until(lambda: len(view.cards) == 2, 120)
    assert "ready" in dict(hints)
    assert not [hint for _, hint in hints if "without" in hint]


async def test_the_facts_of_this_machine_come_from_the_service(window, until):
    view = window.show_view("welcome")
    window.session.process.start()
    await until(lambda: view.facts.known, 120)
    system = await window.session.client.system()
    assert view.facts.text("processor").startswith(str(system.physical_cores))
    assert "free" in view.facts.text("disk")
    assert system.models_dir in view.facts.folder()


async def test_a_machine_that_is_too_small_for_every_model_is_told_so(window, until, monkeypatch):
    monkeypatch.setenv("INGLENOOK_MEMORY_LIMIT_MB", "64")
    view = window.show_view("welcome")
    assert "as soon as the service" in view.suggestions.hint()
    window.session.process.start()
    await until(lambda: "No model of the catalogue fits" in view.suggestions.hint(), 120)


async def test_a_starter_model_leads_to_the_view_that_uses_it(window, until):
    view = window.show_view("welcome")
    window.session.process.start()
    await until(lambda: len(view.cards) == 2, 120)
    by_model = {card.model_id: card for card in view.cards}
    by_model["starter-sentiment"].button.click()
    assert window.pages.currentWidget() is window.view("classify")
    assert window.view("classify").model.id == "starter-sentiment"
    by_model["starter-chat"].button.click()
    assert window.pages.currentWidget() is window.view("chat")


@pytest.mark.parametrize(
    ("offered", "shown"),
    [
        (["sse4_2", "avx2", "avx512f"], "AVX-512"),
        (["avx", "avx2"], "AVX2"),
        (["neon"], "NEON"),
        (["amx_tile", "avx512f"], "AMX"),
        ([], ""),
    ],
)
def test_the_instruction_set_that_matters_most_is_named(offered, shown):
    assert instruction_set(offered) == shown
