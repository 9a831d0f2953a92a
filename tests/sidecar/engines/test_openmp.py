"""The crowd that shortens the time for which OpenMP's threads look, with the real library in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# A team of two computes nothing; then one of them looks for more work while the process sleeps.
LOOKED = """
import ctypes, os, sys, time
openmp = ctypes.CDLL("libgomp.so.1")
from sidecar.engines.openmp import Crowd
crowd = Crowd()
if sys.argv[1] != "alone":
    crowd.gather()
if sys.argv[1] == "left":
    crowd.leave()
    while len(os.listdir("/proc/self/task")) > 1:  # the library ends its threads in its own time
        time.sleep(0.01)
openmp.GOMP_parallel(ctypes.cast(openmp.omp_get_num_threads, ctypes.c_void_p), None, 2, 0)
began = time.process_time()
time.sleep(0.5)
print(time.process_time() - began)
"""
LONG = {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "1000000000"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is the engines' only on Linux")


def looked_s(how: str) -> float:
    """Processor seconds of half a second in which a waiting thread had nothing to do."""
    command = [sys.executable, "-c", LOOKED, how]
    return float(subprocess.run(command, env=os.environ | LONG, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("how", ["alone", "left"])
def test_threads_look_while_the_processor_is_theirs(how: str) -> None:
    assert looked_s(how) > 0.1


def test_threads_in_a_crowd_sleep() -> None:
    assert looked_s("in a crowd") < 0.05


def test_nothing_gathers_in_a_process_without_the_library() -> None:
    script = "import os; from sidecar.engines.openmp import Crowd; Crowd().gather(); print(len(os.listdir('/proc/self/task')))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(ran.stdout) == 1
