"""A file that was made here, with its hash beside it: so that a damaged one is never taken for what was written.

As long as size and time are those of the sealed file, it counts as whole without being read; anything else is decided by
its hash. Blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from sidecar import decoding

PIECE = 256 << 10


class Seal(Struct):
    """What a file was when it was written."""

    bytes: int
    mtime_ns: int
    sha256: str


def seal(file: Path, check: Callable[[], None] = lambda: None) -> None:
    """Remember what is in `file`. Raises OSError."""
    stat = file.stat()
    made = Seal(stat.st_size, stat.st_mtime_ns, _sha256(file, check))
    _beside(file).write_bytes(msgspec.json.encode(made))


def is_whole(file: Path, *, everything: bool = False, check: Callable[[], None] = lambda: None) -> bool:
    """Whether `file` is what was sealed; one without a seal is not. `everything`: read it even where size and time are the
    same. `check` is called between pieces, and may raise to stop."""
    try:
        made = decoding.from_json(_beside(file).read_bytes(), Seal)
        stat = file.stat()
        if stat.st_size != made.bytes:
            return False
        if stat.st_mtime_ns == made.mtime_ns and not everything:
            return True
        return _sha256(file, check) == made.sha256
    except (OSError, msgspec.MsgspecError):
        return False


def remove(file: Path) -> None:
    """Delete a file with its seal, as far as that is possible."""
    for path in (_beside(file), file):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.seal")


def _sha256(file: Path, check: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
            check()
    return digest.hexdigest()
