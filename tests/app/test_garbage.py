"""Cycles are collected by the window's thread and by no other."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref

from PySide6.QtCore import QObject

from app.garbage import collect_due

# A Qt object with a running timer, in a cycle, while another thread makes garbage until Python would collect.
CRASH = """
import gc, sys, threading
from PySide6.QtCore import QCoreApplication, QObject, QTimer
from app.garbage import GarbageCollector

app = QCoreApplication([])
collector = GarbageCollector() if sys.argv[1] == "ours" else None

def make():
    for _ in range(50):
        owner = QObject()
        owner.timer = QTimer(owner, interval=1)
        owner.timer.start()
        owner.itself = owner

def litter():
    for _ in range(300_000):
        cycle = []
        cycle.append(cycle)

make()
thread = threading.Thread(target=litter)
thread.start()
thread.join()
QTimer.singleShot(200, app.quit)
app.exec()
"""


class Cycle(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.itself = self
        self.thread_of_end: list[int] = []


def test_litter_of_another_thread_does_not_destroy_what_belongs_to_the_window() -> None:
    done = subprocess.run([sys.executable, "-c", CRASH, "ours"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "cannot be stopped from another thread" not in done.stderr


def test_cycles_are_collected_once_they_are_due() -> None:
    threads: list[int] = []
    cycle = Cycle()
    weakref.finalize(cycle, lambda: threads.append(threading.get_ident()))
    del cycle
    litter = [[] for _ in range(gc.get_threshold()[0] + 1)]
    collect_due()
    assert threads == [threading.get_ident()]
    assert litter
