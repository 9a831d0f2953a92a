"""The Catalogue view against a real service and a hub."""

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtTest import QTest

from app.models.offers import Column
from app.widgets.row_button import row_button_area
from sidecar.client import Client

BIG = "org/owl-7B-GGUF"


def shown(bench):
    return [bench.view.offers.at(row).id for row in range(bench.view.offers.rowCount())]


def click_row_button(bench, repository):
    table = bench.view.table
    index = bench.view.offers.index(bench.view.offers.row_of(repository), Column.ACTION)
    table.scrollTo(index)
    spot = row_button_area(QRectF(table.visualRect(index)), str(index.data()), has_icon=True).center().toPoint()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(spot))


async def test_one_model_for_each_task_stands_on_top_and_says_that_it_is_the_best(bench):
    view = bench.view
    first = [view.offers.at(row) for row in range(len(view.best))]
    assert {entry.id for entry in first} == view.best.keys()
    assert len({entry.task for entry in first}) == len(first) >= 4
    assert view.offers.index(0, Column.FIT).data() == "Fits"


async def test_every_entry_says_whether_it_fits_and_why(bench):
    for row in range(bench.view.offers.rowCount()):
        index = bench.view.offers.index(row, Column.FIT)
        assert index.data() in ("Fits", "Tight", "Does not fit", "Not known")
        assert index.data(Qt.ItemDataRole.ToolTipRole)


async def test_words_are_searched_once_the_typing_pauses_on_the_hub_and_in_the_list(bench, hub):
    before = len(hub.requests("/api/models"))
    QTest.keyClicks(bench.view.header.search, "owl")
    await bench.until(lambda: BIG in shown(bench))
    assert len(shown(bench)) == 4
    assert len(hub.requests("/api/models")) == before + 1


async def test_filters_narrow_the_list_and_are_cleared_when_nothing_is_left(bench):
    view = bench.view
    view.filters.tasks.set_value("translation")
    view.filters.tasks.chosen.emit("translation")
    await bench.until(lambda: {view.offers.at(row).task for row in range(len(shown(bench)))} == {"translation"})
    view.header.search.setText("no such model at all")
    await bench.until(lambda: view._nothing.isVisible())
    view._forget_filters()
    await bench.until(lambda: len(shown(bench)) > 40)


async def test_the_order_is_the_persons(bench):
    bench.view.filters.ordered.emit("size")
    sizes = [bench.view.offers.at(row).bytes for row in range(bench.view.offers.rowCount())]
    assert sizes == sorted(sizes)


async def test_the_ways_to_have_a_model_are_grouped_and_the_recommended_one_is_chosen(bench, opened):
    page = await opened(BIG)
    rows = [page.variants.variants.index(row).data() for row in range(page.variants.variants.rowCount())]
    assert rows[:3] == ["Small, with a loss that can be noticed.", "Q3_K_S", "Q3_K_M"]
    assert page.variants.variant().name == "Q4_K_M"
    assert page.details.button.text() == "Download (4.9 GB)"


async def test_a_variant_that_does_not_fit_can_be_had_but_is_not_urged(bench, opened):
    page = await opened(BIG)
    page.variants.choose("F16")
    assert page.details.button.text() == "Download anyway (400 GB)"
    assert page.details.button.property("kind") == "secondary"
    assert "disk" in page.details.reason.text()


async def test_a_card_is_shown_without_its_html_and_nothing_of_it_is_loaded(bench, opened, hub):
    page = await opened(BIG)
    assert page.card.markdown() == "# Owl\n\nIt [hoots](http://x.example/)."
    assert not hub.requests("a.png")


async def test_an_old_format_is_fetched_only_once_the_person_allowed_it(bench, opened):
    page = await opened("org/owl-pickle")
    assert page.details.facts.value("Safety") == "asks for your permission"
    page.details.button.click()
    box = page.safety.boxes["pickle"]
    assert bench.window.focusWidget() is box
    assert bench.session.downloads.of("org/owl-pickle") is None
    box.click()
    assert page.details.button.text() == "Download (200 kB)"
    page.details.button.click()
    await bench.until(lambda: bench.session.downloads.of("org/owl-pickle") is not None)


async def test_a_gated_model_leads_to_its_page_takes_a_token_and_is_fetched_once_accepted(bench, opened, hub):
    page = await opened("org/owl-gated")
    assert page.details.button.text() == "Gated: how to get access"
    page.details.button.click()
    assert bench.window.focusWidget() is page.access.page_button
    QTest.keyClicks(page.access.token, "hf_good")
    page.access.keep_button.click()
    await bench.until(lambda: bench.view.detail.access == "needs_acceptance")
    assert "somebody" in page.access.account.text()
    hub.repos["org/owl-gated"].accepted.add("hf_good")
    page.access.retry_button.click()
    await bench.until(lambda: page.details.button.text().startswith("Download ("))
    assert not page.access.isVisible()


async def test_a_token_that_is_not_valid_is_refused_with_the_reason(bench, opened):
    hub_page = await opened("org/owl-small")
    hub_page.access.token_given.emit("hf_wrong")
    await bench.until(bench.window.banners.shown)
    assert "token" in bench.window.banners.shown()[0].accessibleName()


async def test_the_button_of_a_row_fetches_and_then_leads_to_the_model(bench, opened, hub):
    page = await opened("org/owl-small")
    QTest.keyClick(bench.view.table, Qt.Key.Key_Return)
    await bench.until(lambda: page.details.button.text() == "Installed · Open in Classify", 60)
    await bench.until(lambda: bench.view.offers.entry_of("org/owl-small").installed)
    click_row_button(bench, "org/owl-small")
    assert bench.window.pages.currentWidget() is bench.window.view("classify")
    assert bench.window.view("classify").model.id == "org/owl-small"


async def test_without_a_network_the_list_says_what_it_lacks_and_the_switch_is_there(bench):
    view = bench.view
    bench.session.network.set_offline(True)
    await bench.until(lambda: bench.session.network.offline)
    view.header.search.setText("heron")
    await bench.until(view.notice.isVisible)
    assert "offline is on" in view.notice.words.text()
    view.notice.online_button.click()
    await bench.until(lambda: not bench.session.network.offline)
    await bench.until(lambda: not view.notice.isVisible())


async def test_what_cannot_be_told_of_a_model_stands_on_its_page_with_a_second_try(bench, hub):
    view = bench.view
    repository = view.offers.at(1).id
    kept = hub.repos.pop(repository)
    view.choose(repository)
    await bench.until(view.page.details.retry_button.isVisible)
    assert "The hub has no" in view.page.details.note.text()
    hub.repos[repository] = kept
    view.page.details.retry_button.click()
    await bench.until(lambda: view.detail is not None)


async def test_the_list_is_walked_by_keyboard_from_the_search_field(bench):
    view = bench.view
    QTest.keyClick(view.header.search, Qt.Key.Key_Down)
    assert bench.window.focusWidget() is view.table
    QTest.keyClick(view.table, Qt.Key.Key_Down)
    assert view.entry.id == view.offers.at(1).id


@pytest.fixture(autouse=True)
async def _as_before(served):
    """The switch is off for the next test."""
    yield
    async with Client.connect(served) as client:
        await client.change_settings({"offline": None})
