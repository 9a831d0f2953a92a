"""Collects reference cycles in the window's thread only.

Python collects in whichever thread happens to allocate, and a Qt object that is destroyed outside its thread leaves its
timers behind: the next one to fire ends the process. This module must not be used in the service.
"""

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000


class GarbageCollector(QObject):
    """Takes the place of Python's automatic collection for as long as the process lives."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(collect_due)
        self._timer.start()


def collect_due() -> None:
    """Collect the generations whose thresholds are passed, as Python itself would."""
    for generation, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)):
        if count <= threshold:
            return
        gc.collect(generation)


def settle() -> None:
    """What is there now stays to the end: later collections need not look at it again."""
    gc.freeze()
