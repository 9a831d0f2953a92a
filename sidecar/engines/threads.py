"""The processor's cores, as far as computing is concerned."""

from __future__ import annotations

import os

import psutil


def physical_cores() -> int:
    """Those this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(psutil.cpu_count(logical=False) or allowed, allowed)
