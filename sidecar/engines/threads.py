"""How many threads an engine computes with when nobody says."""

from __future__ import annotations

import os

import psutil


def physical_cores() -> int:
    """Those this process may use; a second thread on the same core does not compute faster."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(psutil.cpu_count(logical=False) or allowed, allowed)
