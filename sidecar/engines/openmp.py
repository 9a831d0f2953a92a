"""How long the threads of GNU's OpenMP look for each other before they sleep: long while the processor is theirs, a moment
beside busy programs.

A worker's environment sets the long time when it starts (runtime/child.py). The library changes it by itself in one case
that its manual names (GOMP_SPINCOUNT, with OMP_WAIT_POLICY=ACTIVE): once there are more of its threads than processors,
they look a thousand times only. `Crowd` adds threads that do nothing but make them more.
"""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

from sidecar.engines.threads import SharedCores, computing_threads

MAPPED = Path("/proc/self/maps")


def shared_cores(asked: int) -> SharedCores:
    """For an engine whose library cannot change the number of its threads, with the setting for it: made once it is loaded."""
    threads, crowd = computing_threads(asked), Crowd()
    return SharedCores(threads, lambda free: crowd.gather() if free < threads else crowd.leave())


class Crowd:
    """More threads than there are processors, for every copy of the library that is loaded now. They sleep.

    Does nothing where no copy is loaded, as outside of Linux.
    """

    def __init__(self) -> None:
        self._libraries = [ctypes.CDLL(str(file)) for file in _loaded()]
        self._gathered, self._left = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def gather(self) -> None:
        """Whoever waits from now on looks for a moment only."""
        if self._libraries and self._thread is None:
            self._gathered.clear()
            self._left.clear()
            self._thread = threading.Thread(target=self._stand, name="openmp crowd", daemon=True)
            self._thread.start()
            self._gathered.wait()

    def leave(self) -> None:
        """The library ends the threads of its team with the one that began it."""
        if self._thread is not None:
            self._left.set()
            self._thread.join()
            self._thread = None

    def _stand(self) -> None:
        try:
            for library in self._libraries:
                nothing = ctypes.cast(library.omp_get_num_threads, ctypes.c_void_p)  # any function that only returns
                library.GOMP_parallel(nothing, None, (os.cpu_count() or 1) + 1, 0)
        finally:
            self._gathered.set()
        self._left.wait()


def _loaded() -> list[Path]:
    """The files of the library's copies; packages bring their own, under names of their own."""
    if not MAPPED.is_file():
        return []
    lines = MAPPED.read_text("utf-8", "replace").splitlines()
    files = {Path(line.split(maxsplit=5)[5]) for line in lines if "/libgomp" in line}
    return sorted(file for file in files if file.is_file())
