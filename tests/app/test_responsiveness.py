"""The window's thread is never kept busy for long: what it computes in one turn of the event loop stays small.

Processor time is measured, not the clock: on a machine that others use, a turn may take long without being long.
"""

import asyncio
import itertools
import time

import pytest
from PySide6.QtWidgets import QScrollArea

from app.widgets.markdown_view import MarkdownView
from sidecar.types import RegisterRequest
from tests.helpers.models import echo_model
from tests.helpers.turns import LONGEST_S, PATIENCE_S, Turns, longest_turn_while
from tests.helpers.window_bench import opened_window

pytestmark = pytest.mark.alone

ROWS = 10_000
SETTLE_S = 1


@pytest.fixture
async def window(paths, quick_start):
    async with opened_window(paths) as made:
        made.resize(1440, 900)
        made.session.process.start()
        client = await made.session.ready()
        for name, kind, knobs in (
            ("writer", "text_generation", {"delay_ms": 5, "repeat": 0}),
            ("sorter", "classification", {}),
        ):
            folder = echo_model(paths.data_dir / name, **knobs)
            await client.register(RegisterRequest(name=name, model_type=kind, model_path=str(folder)))
        yield made


async def test_a_turn_that_takes_long_is_noticed(until):
    with Turns() as turns:
        began = time.thread_time()
        while time.thread_time() - began < 2 * LONGEST_S:
            pass
        await until(lambda: turns.longest > LONGEST_S)


async def test_no_turn_is_long_while_a_chat_streams_and_ten_thousand_rows_fill(window, until):
    chat, classify = window.view("chat"), window.view("classify")
    await until(lambda: window.session.model("writer") and window.session.model("sorter"))
    chat.use_model("writer")
    classify.use_model("sorter")
    chat.ask("one two three " * 20, [])
    await until(lambda: window.session.state.kind == "busy")
    window.show_view(
        "chat"
    )  # both have been painted once before: glyphs and icons are drawn the first time they are used
    await asyncio.sleep(SETTLE_S)
    window.show_view("classify")
    await asyncio.sleep(SETTLE_S)
    with Turns() as turns:
        classify.list.open_lines("\n".join(f"the text of row {row}" for row in range(ROWS)), start=True)
        await until(
            lambda: len(classify.list.results) == ROWS and classify.list.results.classified > ROWS // 3, PATIENCE_S
        )
        window.show_view("chat")
        await until(lambda: classify.list.results.classified == ROWS, PATIENCE_S)
    assert turns.count > 100
    assert turns.longest < LONGEST_S


HOSTILE = {
    "two thousand words in one paragraph": "the quiet window keeps what was written " * 290,
    "a table of three thousand rows": "|a|b|\n|-|-|\n" + "|x|y|\n" * 3000,
    "a table of five hundred columns": ("|" + "a|" * 500 + "\n|" + "-|" * 500 + "\n") + ("|" + "x|" * 500),
    "a quotation of lists": "> - a\n" * 2000,
    "marks that never end": "*a " * 10_000,
    "code spans": "`a` " * 5000,
    "links": "[a](http://x.example/) " * 2000,
    "headings": "# a\n" * 3000,
    "definitions of links": "[a]: http://x.example\n" * 3000,
    "four thousand lines of code": "```python\n" + "x = 'a' + b(c)[d] # e\n" * 4000 + "```\n",
}


@pytest.fixture
async def answer(qtbot):
    """An answer in a scrolled column, as in a conversation; glyphs and the lexer have been used once."""
    shown = MarkdownView()
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(shown)
    area.resize(800, 900)
    area.show()
    shown.set_markdown("**a** `b`\n\n```python\nx = 1\n```\n\n| a |\n|---|\n| b |\n")
    await asyncio.sleep(0.1)
    yield shown
    area.hide()
    area.deleteLater()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_no_turn_is_long_while_a_hostile_answer_comes_all_at_once(answer, text, until):
    assert await longest_turn_while(lambda: answer.set_markdown(text), answer.is_settled, until) < LONGEST_S


async def test_no_turn_is_long_while_a_paragraph_of_two_thousand_words_streams(answer, until):
    text = HOSTILE["two thousand words in one paragraph"]
    with Turns() as turns:
        for start in range(0, len(text), 100):
            answer.append(text[start : start + 100])
            await asyncio.sleep(0)
        await until(answer.is_settled)
    assert turns.longest < LONGEST_S


async def test_no_turn_is_long_while_a_chat_of_five_hundred_messages_opens(window, until):
    chat = window.show_view("chat")
    store = chat.dialogue.store
    chats = [store.create(name, "writer", "", {}).id for name in ("one", "two")]
    for chat_id in chats:
        for number in range(250):
            store.add_message(chat_id, "user", f"Question {number} about the quiet window")
            store.add_message(chat_id, "assistant", f"Answer {number} with `code`\n\n- one\n- **two**\n" * 3)
    for chat_id in chats:  # both once: what is drawn the first time is not the question here
        chat.show_chat(chat_id)
        await asyncio.sleep(SETTLE_S / 4)
    opened = itertools.cycle(chats)
    settled = chat.page.transcript.is_settled
    assert await longest_turn_while(lambda: chat.show_chat(next(opened)), settled, until) < LONGEST_S
