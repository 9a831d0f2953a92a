"""How many threads a loaded model keeps, with the real library in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.helpers.models import tiny

from .conftest import ConvertedFolder

THREADS = """
import os, sys, time
from pathlib import Path
from sidecar.engines import ctranslate2
from tests.helpers.worker import frame
folder, prepared = map(Path, sys.argv[1:])
before = len(os.listdir("/proc/self/task"))
model = ctranslate2.load(frame(folder, "classification", prepared=str(prepared), threads=2))
deadline = time.monotonic() + 10
while (more := len(os.listdir("/proc/self/task")) - before) > 1 and time.monotonic() < deadline:
    time.sleep(0.01)  # the library ends its threads in its own time
print(more)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is the engine's only on Linux")
def test_threads_that_loading_began_do_not_stay(converted_folder: ConvertedFolder) -> None:
    """They would make those that compute sleep soon while they wait: engines/openmp.py."""
    prepared = converted_folder("distilbert", "classification", "int8")
    command = [sys.executable, "-c", THREADS, str(tiny("distilbert")), str(prepared)]
    ran = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "2"}, capture_output=True, text=True, check=True)
    assert int(ran.stdout) == 1, "the library's own thread, which computes"
