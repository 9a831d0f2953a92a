"""Running coroutines for widgets."""

import asyncio

import pytest
from PySide6.QtCore import QObject
from shiboken6 import delete

from app import operations


@pytest.fixture
def owner(qapp):
    return QObject()


async def value_of(result):
    await asyncio.sleep(0)
    return result


async def failing():
    raise ValueError("as told")


async def test_success_gets_the_result(owner, until):
    got = []
    operations.run(owner, value_of(42), on_success=got.append)
    await until(lambda: got)
    assert got == [42]


async def test_failure_gets_the_error_and_success_is_not_called(owner, until):
    failures, successes = [], []
    operations.run(owner, failing(), on_success=successes.append, on_failure=failures.append)
    await until(lambda: failures)
    assert str(failures[0]) == "as told"
    assert successes == []


async def test_a_failure_that_nobody_takes_is_reported_to_the_window(owner, until, monkeypatch):
    reported = []
    monkeypatch.setattr(operations, "_reporter", reported.append)
    operations.run(owner, failing())
    await until(lambda: reported)
    assert isinstance(reported[0], ValueError)


async def test_busy_is_told_at_the_beginning_and_at_the_end(owner, until):
    told = []
    operations.run(owner, value_of(1), busy=told.append)
    assert told == [True]
    await until(lambda: len(told) == 2)
    assert told == [True, False]


async def test_a_cancelled_operation_finishes_without_success_or_failure(owner, until):
    calls = []
    operation = operations.run(
        owner,
        asyncio.sleep(60),
        on_success=lambda _: calls.append("success"),
        on_failure=lambda _: calls.append("failure"),
        on_finished=lambda: calls.append("finished"),
    )
    operation.cancel()
    await until(lambda: not operation.running and calls)
    assert calls == ["finished"]


async def test_an_operation_dies_with_its_owner_and_calls_nothing_back(owner, until):
    calls = []
    operation = operations.run(owner, asyncio.sleep(60), on_finished=lambda: calls.append("finished"))
    await asyncio.sleep(0)
    delete(owner)
    await until(lambda: not operation.running)
    await asyncio.sleep(0.01)
    assert calls == []
