"""Returns memory that was freed while loading to the system, where the C library keeps it for later."""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back() -> None:
    """Also what only the collector finds, which stops all threads for a moment."""
    gc.collect()
    trim()


def trim() -> None:
    """Only glibc keeps so much; elsewhere there is nothing to do."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
