"""Numbers as people read them: memory, durations, counts. Pure; knows no widget."""

from __future__ import annotations


def memory(megabytes: float) -> str:
    """820 MB, 1.3 GB, 16 GB: the service counts in units of 1024, as makers of memory do."""
    if megabytes < 1000:
        return f"{megabytes:.0f} MB"
    gigabytes = megabytes / 1024
    return f"{gigabytes:.1f} GB" if gigabytes < 10 and round(gigabytes, 1) % 1 else f"{gigabytes:.0f} GB"


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 3 min, 1.5 h."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
