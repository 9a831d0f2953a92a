"""The disk that files come to: whether there is room, and its faults in our words. It writes nothing itself."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar import hardware
from sidecar.errors import DiskFull, EnvironmentFault

MB = 1 << 20
SPARE_BYTES = 64 * MB  # left free
FREE_SOME = "Free some space and try again."


def require_room(needed: int, folder: Path, *, what: str = "This", todo: str = FREE_SOME) -> None:
    """Raises DiskFull with the numbers where `needed` bytes, if any, and some to spare are not free on the disk of `folder`."""
    free = hardware.free_disk(folder)
    if needed and needed + SPARE_BYTES > free:
        needed_mb, free_mb = (needed + SPARE_BYTES) // MB + 1, free // MB
        raise DiskFull(
            f"{what} needs {needed_mb} MB on the disk of {folder}, where {free_mb} MB are free. {todo}",
            path=str(folder), needed_mb=needed_mb, free_mb=free_mb,
        )  # fmt: skip


def is_full(error: OSError) -> bool:
    """Whether it is what a disk without room, or a quota, says."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def writing(folder: Path, todo: str = FREE_SOME) -> Iterator[None]:
    """Faults of the disk in the block become DiskFull, which says what to do, and EnvironmentFault."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull(f"The disk that holds {folder} is full. {todo}", path=str(folder)) from error
        raise EnvironmentFault(f"{folder} cannot be written: {error}.", path=str(folder)) from error
