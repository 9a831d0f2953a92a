"""What an engine calls amid a long computation, and how often it is heard."""

from __future__ import annotations

import pytest

from sidecar.engines import base
from sidecar.engines.base import Pulse


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(base.time, "monotonic", lambda: now[0])
    return now


def test_it_is_heard_at_once_and_then_every_so_often(clock: list[float]) -> None:
    pulse, heard = Pulse(), []

    def listen() -> bool:
        heard.append(clock[0])
        return True

    pulse.listener, pulse.every_s = listen, 4.0
    for _ in range(100):
        assert pulse()
        clock[0] += 1.0
    assert len(heard) == 25


def test_what_nobody_wants_stays_unwanted_until_somebody_does(clock: list[float]) -> None:
    pulse, wanted = Pulse(), [False]
    pulse.listener = lambda: wanted[0]
    assert not pulse()
    assert not pulse()
    wanted[0] = True
    assert pulse()
