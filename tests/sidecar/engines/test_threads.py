"""How many threads compute beside other programs; the load of others is made up, and once real."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from sidecar.engines.threads import LOOK_EVERY_S, PAUSE_S, OthersLoad, SharedCores


class Machine(OthersLoad):
    """A machine whose other programs are in a test's hands: so many cores they are busy on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cores: int, most: int) -> None:
        monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: cores)
        self.cores, self.others, self.now = cores, 0.0, 0.0
        self.looked, self.seen = 0.0, (0.0, 0.0)
        self.told: list[int] = []
        self.shared = SharedCores(most, self.told.append, others=self, clock=lambda: self.now)
        self.shared.work()

    def skip(self) -> None:
        self.looked = self.now

    def add(self) -> None:
        seconds, busy = self.seen
        since, self.looked = self.now - self.looked, self.now
        self.seen = (seconds + since, busy + since * self.others)

    def share(self) -> float:
        (seconds, busy), self.seen = self.seen, (0.0, 0.0)
        return busy / seconds / self.cores

    def later(self, others: float, seconds: float = LOOK_EVERY_S) -> list[int]:
        """What is told when others have been so busy for a while, amid work."""
        self.passes(others, seconds)
        self.shared.work()
        return self.told

    def passes(self, others: float, seconds: float) -> None:
        self.others = others
        self.now += seconds

    def request(self, others: float, seconds: float) -> list[int]:
        """What is told when a request takes so long and others are so busy meanwhile."""
        self.shared.work()
        self.passes(others, seconds)
        self.shared.rest()
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
    machine.request(0.0, seconds=LOOK_EVERY_S)
    machine.passes(4.0, seconds=1.0)
    assert machine.request(0.0, seconds=LOOK_EVERY_S) == []
    assert machine.request(3.0, seconds=LOOK_EVERY_S) == [1]


def test_short_requests_far_apart_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, cores=4, most=4)
    machine.shared.rest()
    for _ in range(5):
        machine.passes(0.0, seconds=1.0)
        machine.request(2.0, seconds=LOOK_EVERY_S / 5 + 0.001)
    assert machine.told == [2]


def test_a_moment_between_two_requests_is_as_good_as_work(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, cores=4, most=4)
    for _ in range(8):
        machine.request(2.0, seconds=LOOK_EVERY_S / 8)
        machine.passes(2.0, seconds=PAUSE_S / 2)
    assert machine.told == [2]


def test_nothing_is_looked_at_while_it_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, cores=4, most=4)
    machine.shared.rest()
    machine.passes(4.0, seconds=9.0)
    machine.shared.rest()
    assert machine.told == []


def test_the_load_of_others_is_not_ones_own() -> None:
    """Beside a busy program of another process, and then at work itself: both together are no more than there is."""
    cores = psutil.cpu_count() or 1
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        load = OthersLoad()
        time.sleep(0.5)
        load.add()
        assert load.share() * cores > 0.3
        began, worked = time.monotonic(), time.process_time()
        while time.monotonic() - began < 0.5:
            pass
        own = (time.process_time() - worked) / (time.monotonic() - began)
        load.add()
        assert load.share() * cores + own < cores + 0.2
        time.sleep(0.5)
        load.skip()
        assert load.share() == 0.0
        other.kill()
