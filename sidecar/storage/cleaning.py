"""What could go without anybody missing it: how much it is, and deleting it. Blocks on the disk: call it in a thread.

Listed first and compared afterwards with what is wanted: what came meanwhile is not on the list.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from sidecar.downloads.parts import Parts
from sidecar.registry.manifest import QUARANTINE
from sidecar.storage import files


def stray_bytes(parts: Parts, names: Iterable[str]) -> int:
    """Of contents and staging folders that no download wants."""
    return files.weight(place for name in names for place in parts.places(name))


def drop_strays(parts: Parts, names: Iterable[str]) -> int:
    """Delete them, but for what another service works on. Returns the bytes that are gone."""
    found = list(names)
    before = stray_bytes(parts, found)
    for name in found:
        parts.drop_stray(name)
    return before - stray_bytes(parts, found)


def quarantined(models_dir: Path, older_than: float = 0.0) -> list[Path]:
    """What was set aside, at least so many seconds ago."""
    folder = models_dir / QUARANTINE
    found = folder.iterdir() if folder.is_dir() else ()
    return [place for place in found if time.time() - place.lstat().st_mtime >= older_than]


def delete(places: Iterable[Path]) -> int:
    """Delete files and folders as far as possible; links are not followed. Returns the bytes that are gone."""
    found = list(places)
    before = files.weight(found)
    for place in found:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)
    return before - files.weight(found)
