"""Small disks to fill. Only root may mount one: the tests that need it exist where `MAY_MOUNT` is true."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAY_MOUNT = hasattr(os, "geteuid") and os.geteuid() == 0


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Another disk, in memory, mounted at `folder` for the block. `size` as mount takes it, such as "70m"."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)  # noqa: S607
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)  # noqa: S607


def fill(file: Path) -> None:
    """Write until there is no room for one more byte."""
    with file.open("wb", buffering=0) as stream:
        for piece in (bytes(1 << 20), b"x"):
            try:
                while stream.write(piece) == len(piece):
                    pass
            except OSError:  # it is full for pieces of this size
                continue
