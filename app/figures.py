"""Numbers as people read them: memory, durations, counts. Pure; knows no widget."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

from PySide6.QtCore import QCoreApplication


def memory(megabytes: float) -> str:
    """820 MB, 1.3 GB, 16 GB: the service counts in units of 1024, as makers of memory do."""
    if megabytes < 1000:
        return f"{megabytes:.0f} MB"
    gigabytes = megabytes / 1024
    return f"{gigabytes:.1f} GB" if gigabytes < 10 and round(gigabytes, 1) % 1 else f"{gigabytes:.0f} GB"


def file_size(count: float) -> str:
    """Of files, in bytes: 820 kB, 105 MB, 1.1 GB, 20 GB, in powers of ten, as the hub and disks count."""
    if count < 999_500:
        return f"{max(1, count / 1e3):.0f} kB" if count else "0 kB"
    if count < 999.5e6:
        return f"{count / 1e6:.1f} MB" if count < 9.95e6 else f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB" if count < 99.95e9 else f"{count / 1e9:.0f} GB"


def time_left(seconds: float) -> str:
    """A duration that is only guessed: 5 s, 4 min, 1 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 3 min, 1.5 h."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def ago(then: float) -> str:
    """Of a moment in Unix seconds: "just now", "2 min ago", "3 h ago"; yesterday's time of day; else the date."""
    seconds, moment = max(0.0, time.time() - then), datetime.fromtimestamp(then)  # noqa: DTZ006  local time is meant
    if seconds < 60:
        return _tr("just now")
    if seconds < 3600:
        return _tr("{0} min ago").format(int(seconds / 60))
    if moment.date() == date.today():  # noqa: DTZ011
        return _tr("{0} h ago").format(int(seconds / 3600))
    if moment.date() == date.today() - timedelta(days=1):  # noqa: DTZ011
        return f"{moment:%H:%M}"
    return f"{moment.day} {moment:%b}" if seconds < 300 * 86_400 else f"{moment:%b %Y}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("Figures", text)
