"""How many threads compute beside other programs; the load of others is made up, and once real."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from sidecar.engines.threads import LOOK_EVERY_S, STALE_S, OthersLoad, SharedCores


class Machine:
    """A machine whose other programs are in a test's hands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cores: int, most: int) -> None:
        monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: cores)
        self.others, self.now = 0.0, 0.0
        self.told: list[int] = []
        self.shared = SharedCores(most, self.told.append, others=lambda: self.others / cores, clock=lambda: self.now)

    def later(self, others: float, seconds: float = LOOK_EVERY_S) -> list[int]:
        """What is told when others have been so busy for a while."""
        self.others = others
        self.now += seconds
        self.shared()
        return self.told


@pytest.mark.parametrize(
    ("cores", "most", "others", "threads"),
    [(2, 2, 1.0, 1), (2, 2, 0.7, 1), (8, 8, 3.1, 5), (8, 8, 8.0, 1), (16, 8, 9.0, 7)],
)
def test_cores_that_others_are_busy_on_are_left_to_them(
    monkeypatch: pytest.MonkeyPatch, cores: int, most: int, others: float, threads: int
) -> None:
    assert Machine(monkeypatch, cores, most).later(others) == [threads]


@pytest.mark.parametrize(("cores", "most", "others"), [(2, 2, 0.3), (8, 2, 5.0), (16, 8, 8.0), (4, 1, 4.0)])
def test_nothing_changes_while_enough_are_left(
    monkeypatch: pytest.MonkeyPatch, cores: int, most: int, others: float
) -> None:
    assert Machine(monkeypatch, cores, most).later(others) == []


def test_they_are_taken_back_when_the_others_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, cores=4, most=4)
    machine.later(2.0)
    assert machine.later(0.0) == [2, 4]


def test_looks_are_not_more_frequent_than_they_mean_something(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, cores=4, most=4)
    assert machine.later(3.0, seconds=LOOK_EVERY_S / 2) == []
    assert machine.later(3.0, seconds=LOOK_EVERY_S / 2) == [1]


def test_what_others_did_while_nothing_was_asked_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, cores=4, most=4)
    assert machine.later(3.0, seconds=STALE_S + 1) == []
    assert machine.later(3.0) == [1]


def test_the_load_of_others_is_not_ones_own() -> None:
    """Beside a busy program of another process, and then at work itself: both together are no more than there is."""
    cores = psutil.cpu_count() or 1
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        load = OthersLoad()
        time.sleep(0.5)
        assert load() * cores > 0.3
        began, worked = time.monotonic(), time.process_time()
        while time.monotonic() - began < 0.5:
            pass
        own = (time.process_time() - worked) / (time.monotonic() - began)
        assert load() * cores + own < cores + 0.2
        other.kill()
