"""The two hashes by which the hub knows a file: SHA-256 of large files, git's blob id of the others. Blocks on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from sidecar.errors import IntegrityFailed
from sidecar.types import RemoteFile

PIECE = 256 << 10  # small, and one for a whole file: the allocator keeps what threads let go of in large pieces


def sha256(file: Path, check: Callable[[], None] = lambda: None) -> str:
    """Hex digits. `check` is called between pieces, and may raise to stop. Raises OSError."""
    return _digest(hashlib.sha256(), file, check)


def git_blob_id(file: Path, check: Callable[[], None] = lambda: None) -> str:
    """Git's id of a blob: SHA-1 over a header with the length, then the content. Raises OSError."""
    header = b"blob %d\0" % file.stat().st_size
    return _digest(hashlib.sha1(header, usedforsecurity=False), file, check)


def key(file: RemoteFile) -> str:
    """What a file's content is known by. Raises IntegrityFailed for a file of which the hub told no hash."""
    if file.sha256:
        return file.sha256
    if file.git_id:
        return f"git-{file.git_id}"
    raise IntegrityFailed(file=file.path, reason="it told no hash to check the file by")


def differs(file: Path, announced: RemoteFile, check: Callable[[], None] = lambda: None) -> str | None:
    """What is wrong with `file`, in words; None when it is what was announced. Raises OSError."""
    size = file.stat().st_size
    if size != announced.bytes:
        return f"it has {size} bytes instead of {announced.bytes}"
    key(announced)
    if announced.sha256:
        return None if sha256(file, check) == announced.sha256 else "its SHA-256 is another"
    return None if git_blob_id(file, check) == announced.git_id else "its hash is another"


def _digest(digest: hashlib._Hash, file: Path, check: Callable[[], None]) -> str:
    buffer = memoryview(bytearray(PIECE))
    with file.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            digest.update(buffer[:count])
            check()
    return digest.hexdigest()
