"""Whether a model's files still hold what they held: their times tell that they may not, and the whole hash decides.

The fingerprint reads the beginning of each file, so that weights which were overwritten in place can have the same one. Such
contents get an edition of their own, and with it another version. Everything here blocks on the disk: call it in a thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sidecar.hub import hashing
from sidecar.registry.fingerprint import FINGERPRINT_BYTES, version_files

Check = Callable[[], None]
Stamps = dict[str, tuple[int, int]]


class Contents(Struct, frozen=True):
    """What the files in one place were when they were last looked at.

    `stamps`: bytes and time of change (ns) by name. `sha256`: of all that the fingerprint does not read, where it was taken.
    `edition`: tells what is there from what was there before; empty for the first.
    """

    stamps: Stamps
    sha256: str = ""
    edition: str = ""


def edition_version(fingerprint: str, edition: str) -> str:
    """Twelve hex digits."""
    return hashlib.sha256(f"{fingerprint}\0{edition}".encode()).hexdigest()[:12] if edition else fingerprint


def changed(path: Path, known: Contents | None) -> bool:
    """Whether a size or a time is another one than when the files were last looked at. Raises InvalidRequest, OSError."""
    return known is not None and _stamps(version_files(path)) != known.stamps


def looked_at(path: Path, known: Contents | None, check: Check) -> Contents:
    """What is there now. Large files are read only where they changed; of two that cannot be compared, since the hash of the
    earlier one was never taken, it is assumed that they differ. `check` may raise to stop. Raises InvalidRequest, OSError."""
    files = version_files(path)
    stamps = _stamps(files)
    if known is None:
        return Contents(stamps)
    if _large(stamps) == _large(known.stamps):
        return replace(known, stamps=stamps)
    found = _sha256(files, stamps, check)
    return Contents(stamps, found, known.edition if found == known.sha256 else found[:12])


def with_hash(path: Path, known: Contents, check: Check) -> Contents:
    """The same with its hash, so that a later change of times alone is found to be that. Raises as `looked_at` does."""
    return known if known.sha256 else replace(known, sha256=_sha256(version_files(path), known.stamps, check))


def _sha256(files: Mapping[str, Path], stamps: Stamps, check: Check) -> str:
    hashes = "".join(f"{name}\0{hashing.sha256(files[name], check)}\0" for name in _large(stamps))
    return hashlib.sha256(hashes.encode()).hexdigest()


def _large(stamps: Stamps) -> Stamps:
    """Those of files that the fingerprint does not read whole."""
    return {name: stamp for name, stamp in stamps.items() if stamp[0] > FINGERPRINT_BYTES}


def _stamps(files: Mapping[str, Path]) -> Stamps:
    found = {name: file.stat() for name, file in files.items()}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}
