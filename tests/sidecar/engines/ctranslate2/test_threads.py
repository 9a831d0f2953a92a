"""The library's threads: how many a loaded model keeps, and what Python keeps of the one that computes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from sidecar.runtime.protocol import Translate
from tests.helpers.models import tiny
from tests.helpers.worker import translate

from .conftest import Converted, ConvertedFolder

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


def test_python_knows_the_thread_that_computes_from_one_token_to_the_next(
    converted: Converted, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, of_thread, counts = converted("marian", "translation"), threading.local(), []

    def count() -> bool:
        of_thread.calls = getattr(of_thread, "calls", 0) + 1  # gone with what Python knows of the thread
        counts.append(of_thread.calls)
        return True

    monkeypatch.setattr(model.pulse, "every_s", 0.0)
    monkeypatch.setattr(model.pulse, "listener", count)
    written = translate(model, Translate(1, ["the small model"], "en", "de")).completion_tokens
    assert written > 3
    assert counts[-1] >= written - 1
