from __future__ import annotations

import asyncio

import pytest

from sidecar.errors import WorkerStalled
from sidecar.runtime.protocol import Translated
from sidecar.runtime.reply import Reply

END = Translated(["x"], 1, 1)


async def test_text_is_handed_over_as_it_comes_and_merged_while_nobody_reads() -> None:
    reply = Reply()
    reading = asyncio.create_task(reply.next_text())
    await asyncio.sleep(0)
    reply.add("a", 1)
    assert await reading == "a"
    for number, text in enumerate("bcd", start=2):
        reply.add(text, number)
    reply.finish(END)
    assert await reply.next_text() == "bcd"
    assert await reply.next_text() is None
    assert reply.tokens == 4


async def test_a_failure_comes_after_the_text_that_arrived_before_it() -> None:
    reply = Reply()
    reply.add("some", 1)
    reply.fail(WorkerStalled(model="m", seconds=1))
    assert await reply.next_text() == "some"
    with pytest.raises(WorkerStalled):
        await reply.next_text()
    with pytest.raises(WorkerStalled):
        await reply.outcome()


async def test_what_comes_after_the_end_changes_nothing() -> None:
    reply = Reply()
    reply.finish(END)
    reply.fail(WorkerStalled(model="m", seconds=1))
    reply.add("late", 9)
    assert await reply.outcome() is END
    assert await reply.next_text() is None


async def test_a_token_without_text_counts_but_is_not_handed_over() -> None:
    reply = Reply()
    reply.add("", 1)
    reading = asyncio.create_task(reply.next_text())
    await asyncio.sleep(0)
    assert not reading.done()
    assert reply.first_token_at is not None
    reply.finish(END)
    assert await reading is None
