"""The row about the window: what it costs until it is on the screen."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from sidecar.paths import Paths
from tests.bench.report import Row, Sample
from tests.bench.servers import data_folder, inglenook_in, running, wait_until

STARTS = 5
UP = re.compile(r"the window is up after ([\d.]+) s of processor time")


def shown() -> list[Row]:
    """With the service running already, after one start that does not count."""
    with data_folder() as folder, inglenook_in(folder, spare_worker=False):
        seconds = [_start(folder) for _ in range(STARTS + 1)][1:]
    how = f"processor time from the start of the process until the window is painted, drawn to memory, {STARTS} starts"
    return [Row("window shown, warm", Sample(seconds, "s"), 1.0, how)]


def _start(folder: Path) -> float:
    """Processor seconds that the window's process had used when it was painted, as its log says."""
    logs = Paths.resolve(folder).log_dir
    earlier = _starts(logs)
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    with running([sys.executable, "-m", "app", "--data-dir", str(folder)], environment) as process:
        wait_until(process, lambda: len(_starts(logs)) > len(earlier))
    return _starts(logs)[-1]


def _starts(logs: Path) -> list[float]:
    return [float(found) for file in sorted(logs.glob("window.log")) for found in UP.findall(file.read_text("utf-8"))]
