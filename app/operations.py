"""One way to run a coroutine from a widget: success, failure, busy, cancel.

::

    operations.run(self, self.session.client.unload(model), on_success=self._unloaded, busy=self._button.setDisabled)

An operation dies with its owner: when that is destroyed the coroutine is cancelled and nothing is called back. A failure
that nobody takes goes to the window's banner. Never used for work that blocks the thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject
from shiboken6 import isValid

T = TypeVar("T")
Failure = Callable[[BaseException], object]
logger = logging.getLogger(__name__)


class Operation(Generic[T]):
    """A coroutine that runs on behalf of a widget. Made by `run`."""

    def __init__(self, owner: QObject, task: asyncio.Task[T]) -> None:
        self._owner = owner
        self._task = task
        owner.destroyed.connect(self.cancel)

    @property
    def running(self) -> bool:
        return not self._task.done()

    def cancel(self, *_destroyed: object) -> None:
        """End it: the coroutine sees CancelledError, success and failure are not called, finished is."""
        self._task.cancel()

    @property
    def owner_lives(self) -> bool:
        return isValid(self._owner)

    def forget_owner(self) -> None:
        """Nothing ties it to its owner any more."""
        if self.owner_lives:
            self._owner.destroyed.disconnect(self.cancel)


def run(
    owner: QObject,
    coroutine: Coroutine[Any, Any, T],
    *,
    on_success: Callable[[T], object] | None = None,
    on_failure: Failure | None = None,
    on_finished: Callable[[], object] | None = None,
    busy: Callable[[bool], object] | None = None,
) -> Operation[T]:
    """Start `coroutine` on the running event loop.

    `busy(True)` is called now and `busy(False)` at the end; then `on_finished`, whatever happened; then `on_success`
    with the result or `on_failure` with the error. Raises RuntimeError when no event loop runs.
    """
    task = asyncio.get_running_loop().create_task(coroutine)
    operation = Operation(owner, task)
    if busy:
        busy(True)

    def finish(done: asyncio.Task[T]) -> None:
        error = None if done.cancelled() else done.exception()  # asked for in every case: it counts as seen then
        if not operation.owner_lives:
            return
        operation.forget_owner()
        if busy:
            busy(False)
        if on_finished:
            on_finished()
        if error is not None:
            (on_failure or report)(error)
        elif on_success and not done.cancelled():
            on_success(done.result())

    task.add_done_callback(finish)
    return operation


def report(error: BaseException) -> None:
    """Show `error` in the banner, if there is a window to show it."""
    _reporter(error)


def report_failures_to(reporter: Failure) -> None:
    """Say who shows the failures that nobody takes; the main window does."""
    global _reporter
    _reporter = reporter


def _log(error: BaseException) -> None:
    logger.error("a failure that no window could show", exc_info=error)


_reporter: Failure = _log
