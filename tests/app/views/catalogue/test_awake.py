"""The window stays awake while the Catalogue shows hundreds of models, and one with hundreds of files."""

import asyncio

import pytest

from tests.helpers.stock import blob_of_size
from tests.helpers.turns import LONGEST_S, Turns, longest_turn_while

pytestmark = pytest.mark.alone

FLOCK = "org/crane-big-7B-GGUF"
CARD = (
    "# Crane\n\n" + "A bird that *stands* on one leg, and `calls`. " * 60 + "\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
) * 12
SETTLE_S = 0.5
CHAT = {"pipeline_tag": "text-generation", "tags": ["gguf"]}


@pytest.fixture
def flock(hub):
    files = {
        f"crane-{bits}-{part}.gguf": blob_of_size(f"{bits}{part}", 10**9)
        for bits in ("Q3_K_M", "Q4_K_M", "Q8_0")
        for part in range(12)
    }
    files |= {f"notes/{number}.txt": b"a note" for number in range(400)}
    hub.add(FLOCK, {**files, "README.md": CARD.encode()}, info=CHAT)
    for number in range(150):
        hub.add(f"org/crane-{number}-1B", {f"crane-Q4_K_M-{number}.gguf": blob_of_size(str(number), 10**9)}, info=CHAT)


async def test_no_turn_is_long_while_hundreds_of_models_are_found_and_passed_over(bench, flock, until):
    view = bench.view
    await asyncio.sleep(SETTLE_S)  # everything has been painted once before: glyphs are drawn the first time
    with Turns() as turns:
        view.header.search.setText("crane")
        await until(lambda: view.offers.rowCount() == 100)
        for row in range(0, 100, 5):
            view.table.selectRow(row)
            await asyncio.sleep(0.02)
        await until(lambda: view.detail is not None and view.detail.entry.id == view.offers.at(95).id)
    assert turns.longest < LONGEST_S


async def test_no_turn_is_long_while_a_model_with_hundreds_of_files_is_opened(bench, flock, until):
    view = bench.view
    view.header.search.setText("crane")
    await until(lambda: view.offers.row_of(FLOCK) >= 0)
    other = next(one.id for one in map(view.offers.at, range(100)) if one.id != FLOCK)
    view.choose(FLOCK)
    await until(lambda: view.detail is not None and view.detail.entry.id == FLOCK)

    def open_again():
        view.choose(other)
        view.choose(FLOCK)

    settled = lambda: view.detail is not None and view.detail.entry.id == FLOCK and view.page.card.is_settled()  # noqa: E731
    assert await longest_turn_while(open_again, settled, until) < LONGEST_S
